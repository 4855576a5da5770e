package query

import (
	"math"
	"time"
)

// shift goes back in time: by units of the calendar in a zone, or by the length of
// the range.
type shift struct {
	Unit  ShiftUnit
	Count int
	Zone  string
}

// of returns the earlier range.
func (s shift) of(r Range) Range {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC // names were checked when the request was bound
	}
	if s.Unit == Previous {
		return s.previous(r, zone)
	}
	return Range{s.back(r.From, zone), s.back(r.To, zone)}
}

// previous goes back by the range's length: by whole days of the calendar where both
// ends are midnights, by the clock otherwise.
func (s shift) previous(r Range, zone *time.Location) Range {
	from, to := time.UnixMicro(r.From).In(zone), time.UnixMicro(r.To).In(zone)
	if !midnight(from) || !midnight(to) {
		by := int64(s.Count) * (r.To - r.From)
		return Range{r.From - by, r.To - by}
	}
	days := s.Count * int(math.Round(float64(date(to).Sub(date(from)))/float64(24*time.Hour)))
	return Range{from.AddDate(0, 0, -days).UnixMicro(), to.AddDate(0, 0, -days).UnixMicro()}
}

func midnight(t time.Time) bool {
	h, m, s := t.Clock()
	return h == 0 && m == 0 && s == 0 && t.Nanosecond() == 0
}

func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// back moves an instant by its local date, at the same time of day. A day that the
// earlier month lacks becomes that month's last.
func (s shift) back(at int64, zone *time.Location) int64 {
	t := time.UnixMicro(at).In(zone)
	days, months := map[ShiftUnit]int{ShiftDay: 1, ShiftWeek: 7}[s.Unit], map[ShiftUnit]int{ShiftMonth: 1, ShiftQuarter: 3, ShiftYear: 12}[s.Unit]
	day := date(t).AddDate(0, 0, -days*s.Count)
	if months > 0 {
		first := time.Date(t.Year(), t.Month()-time.Month(months*s.Count), 1, 0, 0, 0, 0, time.UTC)
		day = first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMicro()
}

// match gives lines the slots of the earlier time: of the same group, and of the
// bucket that has the same place in its range. Where there was none, those of no rows.
func (e *evaluation) match(now, then []line, earlier Range) error {
	placesNow, err := e.places(e.Range, now)
	if err != nil {
		return err
	}
	placesThen, err := e.places(earlier, then)
	if err != nil {
		return err
	}
	type key struct {
		group string
		place int
	}
	before := map[key][]Value{}
	for i, l := range then {
		before[key{l.match(e.Bucket != nil), placesThen[i]}] = l.slots
	}
	for i := range now {
		now[i].before = before[key{now[i].match(e.Bucket != nil), placesNow[i]}]
		if now[i].before == nil {
			now[i].before = e.empty()
		}
	}
	return nil
}

// match identifies a line but for its bucket.
func (l line) match(bucketed bool) string {
	if bucketed {
		return l.group()
	}
	return identity(append([]Value{BoolValue(l.other)}, l.keys...))
}

// places returns which bucket of a range each line is of, by number.
func (e *evaluation) places(r Range, lines []line) ([]int, error) {
	out := make([]int, len(lines))
	if e.Bucket == nil || len(lines) == 0 || lines[0].level == 0 {
		return out, nil
	}
	starts, err := bucketsOf(*e.Bucket, r)
	if err != nil {
		return nil, err
	}
	place := make(map[int64]int, len(starts))
	for i, at := range starts {
		place[at] = i
	}
	for i, l := range lines {
		out[i] = place[l.keys[0].Int()]
	}
	return out, nil
}

// change is by how much a measure grew since before, as a share of what it was.
func change(before, now Value) Value {
	from, to := before.number(), now.number()
	share := (to - from) / math.Abs(from)
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return Value{}
	}
	return FloatValue(share)
}
