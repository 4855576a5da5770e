package cube

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// local is how Cube writes a time of a zone.
const local = "2006-01-02T15:04:05.000"

// interval is a range of time: [from, to).
type interval struct{ from, to time.Time }

// texts writes an interval as Cube does: both ends are within it, to the millisecond.
func (i interval) texts() DateRange {
	return DateRange{i.from.Format(local), i.to.Add(-time.Millisecond).Format(local)}
}

// clock reads dates of a zone, at some instant.
type clock struct{ now time.Time }

func newClock(now time.Time, zone *time.Location) clock { return clock{now.In(zone)} }

// span reads a range of dates.
func (c clock) span(r DateRange) (interval, error) {
	if len(r) == 1 {
		return c.relative(strings.ToLower(strings.TrimSpace(r[0])))
	}
	from, err := c.date(r[0])
	if err != nil {
		return interval{}, err
	}
	to, err := c.date(r[1])
	if err == nil && !from.from.Before(to.to) {
		err = refuse("the range of dates ends before it begins: %.40s, %.40s", r[0], r[1])
	}
	return interval{from.from, to.to}, err
}

// layouts of dates, each with what lies within one: a day, a second, a millisecond, a
// microsecond.
var layouts = []struct {
	layout string
	days   int
	within time.Duration
}{
	{"2006-01-02", 1, 0},
	{"2006-01-02T15:04", 0, time.Millisecond},
	{"2006-01-02 15:04", 0, time.Millisecond},
	{"2006-01-02T15:04:05", 0, time.Millisecond},
	{"2006-01-02 15:04:05", 0, time.Millisecond},
	{time.RFC3339, 0, time.Millisecond},
}

// date reads a day or an instant, which is as long as what its text leaves open: a
// range to 23:59:59.999 has all that is before midnight.
func (c clock) date(text string) (interval, error) {
	for _, l := range layouts {
		t, err := time.ParseInLocation(l.layout, text, c.now.Location())
		if err != nil {
			continue
		}
		if t.Year() < 1 || t.Year() > 9999 {
			break
		}
		t = t.In(c.now.Location())
		if l.days > 0 {
			return interval{t, t.AddDate(0, 0, l.days)}, nil
		}
		return interval{t, t.Truncate(l.within).Add(l.within)}, nil
	}
	return interval{}, refuse("%.80q is not a date", text).WithHint(`"2026-01-31", "2026-01-31T12:00:00.000", "today", "last 7 days", "this month", "from 30 days ago to now"`)
}

var (
	thisLastNext = regexp.MustCompile(`^(this|last|next) (second|minute|hour|day|week|month|quarter|year)$`)
	lastNextMany = regexp.MustCompile(`^(last|next) (\d{1,4}) (second|minute|hour|day|week|month|quarter|year)s?$`)
	fromTo       = regexp.MustCompile(`^from (.{1,50}) to (.{1,50})$`)
	agoOrHence   = regexp.MustCompile(`^(\d{1,4}) (second|minute|hour|day|week|month|quarter|year)s? (ago|from now)$`)
)

// relative reads a range that one text tells. "last 7 days" ends with yesterday, and
// "this week" with Sunday.
func (c clock) relative(text string) (interval, error) {
	if m := thisLastNext.FindStringSubmatch(text); m != nil {
		by := map[string]int{"this": 0, "last": -1, "next": 1}[m[1]]
		return whole(add(c.now, by, m[2]), m[2]), nil
	}
	if m := lastNextMany.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[2]) // up to four digits
		if n == 0 {
			return interval{}, refuse("%.80q is no time at all", text)
		}
		if m[1] == "last" {
			return interval{whole(add(c.now, -n, m[3]), m[3]).from, whole(add(c.now, -1, m[3]), m[3]).to}, nil
		}
		return interval{whole(add(c.now, 1, m[3]), m[3]).from, whole(add(c.now, n, m[3]), m[3]).to}, nil
	}
	if m := fromTo.FindStringSubmatch(text); m != nil {
		return c.fromTo(text, m[1], m[2])
	}
	if at, ok := c.moment(text); ok && text != "now" {
		return whole(at, grainIn(text)), nil
	}
	return c.date(strings.ToUpper(text))
}

// fromTo reads two moments, as wide as the narrowest unit that the text names, or a
// day.
func (c clock) fromTo(text, from, to string) (interval, error) {
	var ends [2]interval
	for i, end := range []string{strings.TrimSpace(from), strings.TrimSpace(to)} {
		if at, ok := c.moment(end); ok {
			ends[i] = whole(at, grainIn(text))
			continue
		}
		var err error
		if ends[i], err = c.date(strings.ToUpper(end)); err != nil {
			return interval{}, err
		}
	}
	if !ends[0].from.Before(ends[1].to) {
		return interval{}, refuse("the range of dates ends before it begins: %.80q", text)
	}
	return interval{ends[0].from, ends[1].to}, nil
}

// moment reads now, today, yesterday, tomorrow, "3 days ago" and "3 days from now".
func (c clock) moment(text string) (time.Time, bool) {
	switch text {
	case "now", "today":
		return c.now, true
	case "yesterday":
		return c.now.AddDate(0, 0, -1), true
	case "tomorrow":
		return c.now.AddDate(0, 0, 1), true
	}
	m := agoOrHence.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	n, _ := strconv.Atoi(m[1]) // up to four digits
	if m[3] == "ago" {
		n = -n
	}
	return add(c.now, n, m[2]), true
}

func grainIn(text string) string {
	for _, unit := range []string{"second", "minute", "hour"} {
		if strings.Contains(text, unit) {
			return unit
		}
	}
	return "day"
}

// add goes so many units on: by the clock up to hours, by the calendar from days. A
// day that a month lacks is its last.
func add(t time.Time, n int, unit string) time.Time {
	switch unit {
	case "second", "minute", "hour":
		return t.Add(time.Duration(n) * clockUnits[unit])
	case "day":
		return t.AddDate(0, 0, n)
	case "week":
		return t.AddDate(0, 0, 7*n)
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n*calendarUnits[unit]), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

var (
	clockUnits    = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}
	calendarUnits = map[string]int{"month": 1, "quarter": 3, "year": 12} // months
)

// whole returns the unit that holds an instant. Weeks begin on Monday.
func whole(t time.Time, unit string) interval {
	y, m, d := t.Date()
	start := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, t.Location()) }
	switch unit {
	case "second", "minute", "hour":
		width := clockUnits[unit]
		_, offset := t.Zone()
		past := (t.Unix() + int64(offset)) % int64(width/time.Second)
		from := t.Add(-time.Duration(past)*time.Second - time.Duration(t.Nanosecond()))
		return interval{from, from.Add(width)}
	case "day":
		return interval{start(y, m, d), start(y, m, d+1)}
	case "week":
		monday := d - (int(t.Weekday())+6)%7
		return interval{start(y, m, monday), start(y, m, monday+7)}
	}
	months := calendarUnits[unit]
	first := m - (m-1)%time.Month(months)
	return interval{start(y, first, 1), start(y, first+time.Month(months), 1)}
}
