package calendar

import "time"

// Buckets places instants in buckets of one grain in one zone.
type Buckets struct {
	Grain     Grain
	WeekStart time.Weekday
	Spans     []Span // of the zone, over all instants that are placed
}

// New returns the buckets for instants of [from, to] in UTC microseconds.
func New(grain Grain, zone *time.Location, weekStart time.Weekday, from, to int64) Buckets {
	// A bucket may begin before the instant that is placed in it, up to a year and
	// the day that a zone may jump; Start needs the spans back to there.
	const margin = 368 * DayMicros
	return Buckets{Grain: grain, WeekStart: weekStart, Spans: Spans(zone, max(from, MinMicros+margin)-margin, to)}
}

// Key returns the number of the bucket that holds an instant. Of clock grains it
// is the bucket's start; of calendar grains it counts local days, weeks or months,
// so that it grows by one from bucket to bucket.
func (b Buckets) Key(micros int64) int64 {
	s := b.span(micros)
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
		return floorDiv(int64(year)*12+int64(month)-1, b.Grain.months())
	}
}

// Start returns the first instant, in UTC microseconds, of a bucket that holds at
// least one of the instants that b was made for.
func (b Buckets) Start(key int64) int64 {
	if _, ok := b.Grain.Clock(); ok {
		return key
	}
	first, next := b.local(key), b.local(key+1)
	for _, s := range b.Spans {
		begin := s.Start
		if begin == MinMicros || begin < first-s.Offset {
			begin = first - s.Offset
		}
		if begin < s.End && begin < next-s.Offset {
			return begin
		}
	}
	return first - b.Spans[len(b.Spans)-1].Offset
}

// local returns the local microseconds at which a calendar bucket begins.
func (b Buckets) local(key int64) int64 {
	switch b.Grain {
	case Day:
		return key * DayMicros
	case Week:
		return (key*7 + b.Anchor()) * DayMicros
	default:
		month := key * b.Grain.months()
		year := floorDiv(month, 12)
		return time.Date(int(year), time.Month(month-year*12)+1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
}

// Anchor is a day, counted from 1970-01-01, on which a week begins.
func (b Buckets) Anchor() int64 {
	return int64((b.WeekStart - time.Thursday + 7) % 7) // 1970-01-01 was a Thursday
}

// Months returns how many months a bucket of the calendar grain spans: 1, 3 or 12.
func (b Buckets) Months() int64 { return b.Grain.months() }

// Aligned reports whether a clock grain's buckets begin at multiples of its width
// in UTC, in all spans: then no offset matters.
func (b Buckets) Aligned() bool {
	width, ok := b.Grain.Clock()
	for _, s := range b.Spans {
		ok = ok && s.Offset%width == 0 && (s.Start == MinMicros || s.Start%width == 0)
	}
	return ok
}

func (b Buckets) span(micros int64) Span {
	low, high := 0, len(b.Spans)-1
	for low < high {
		if mid := (low + high) / 2; micros < b.Spans[mid].End {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return b.Spans[low]
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
