package calendar

import "time"

// Buckets places instants in buckets of one grain in one zone.
type Buckets struct {
	Grain     Grain
	Zone      *time.Location
	WeekStart time.Weekday
}

// Key returns the number of the bucket that holds an instant. Of clock grains it
// is the bucket's start; of calendar grains it counts local days, weeks or months,
// so that it grows by one from bucket to bucket.
func (b Buckets) Key(micros int64) int64 {
	s := spanAt(b.Zone, micros)
	local := micros + s.Offset
	if width, ok := b.Grain.Clock(); ok {
		return max(floorDiv(local, width)*width-s.Offset, s.Start)
	}
	switch day := floorDiv(local, DayMicros); b.Grain {
	case Day:
		return day
	case Week:
		return floorDiv(day-b.Anchor(), 7)
	default:
		year, month, _ := time.UnixMicro(local).UTC().Date()
		return floorDiv(int64(year)*12+int64(month)-1, b.Months())
	}
}

// Start returns the first instant, in UTC microseconds, of the bucket of a key that
// Key returned.
func (b Buckets) Start(key int64) int64 {
	if _, ok := b.Grain.Clock(); ok {
		return key
	}
	first, next := b.local(key), b.local(key+1)
	const jump = 2 * DayMicros // more than any offset, or any change of one
	for _, s := range Spans(b.Zone, first-jump, next+jump) {
		begin := first - s.Offset
		if s.Start != MinMicros {
			begin = max(begin, s.Start)
		}
		if begin < s.End && begin < next-s.Offset {
			return begin
		}
	}
	return first // of a day that the zone skipped, which Key never returns
}

// Next returns the start of the bucket after the one that begins at start.
func (b Buckets) Next(start int64) int64 {
	if width, ok := b.Grain.Clock(); ok {
		s := spanAt(b.Zone, start)
		return min((floorDiv(start+s.Offset, width)+1)*width-s.Offset, s.End)
	}
	for key := b.Key(start) + 1; ; key++ {
		if next := b.Start(key); b.Key(next) == key { // or the zone skipped that day
			return next
		}
	}
}

// local returns the local microseconds at which a calendar bucket begins.
func (b Buckets) local(key int64) int64 {
	switch b.Grain {
	case Day:
		return key * DayMicros
	case Week:
		return (key*7 + b.Anchor()) * DayMicros
	default:
		month := key * b.Months()
		year := floorDiv(month, 12)
		return time.Date(int(year), time.Month(month-year*12)+1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
}

// Anchor is a day, counted from 1970-01-01, on which a week begins.
func (b Buckets) Anchor() int64 {
	return int64((b.WeekStart - time.Thursday + 7) % 7) // 1970-01-01 was a Thursday
}

// Months returns how many months a bucket spans, of grains made of whole months.
func (b Buckets) Months() int64 {
	switch b.Grain {
	case Quarter:
		return 3
	case Year:
		return 12
	}
	return 1
}

// Aligned reports whether, within some spans of the zone, buckets of a clock grain
// begin at multiples of its width in UTC: then no offset matters.
func (b Buckets) Aligned(spans []Span) bool {
	width, ok := b.Grain.Clock()
	for _, s := range spans {
		ok = ok && s.Offset%width == 0 && (s.Start == MinMicros || s.Start%width == 0)
	}
	return ok
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
