// Package calendar knows how instants fall into calendar buckets: minutes to years,
// in any IANA zone. It promises what Go's time package says of each single instant,
// but as integer arithmetic over the few spans in which a zone's offset from UTC
// stays the same, so that an engine can bucket millions of rows by it.
//
// A day, week, month, quarter or year is the set of instants whose local date lies
// in it, however the clock is turned meanwhile. A minute or hour is a run of
// instants that show the same local hour under one offset: where the clock is
// turned back, the hour that comes twice is two buckets. A bucket is named by the
// instant at which it begins.
package calendar

import (
	"math"
	"time"
	_ "time/tzdata" // a function's file system has no zones
)

// Grain is the width of a bucket.
type Grain string

// The grains, from the narrowest.
const (
	Minute  Grain = "minute"
	Hour    Grain = "hour"
	Day     Grain = "day"
	Week    Grain = "week"
	Month   Grain = "month"
	Quarter Grain = "quarter"
	Year    Grain = "year"
)

// Grains lists the grains in order.
var Grains = []Grain{Minute, Hour, Day, Week, Month, Quarter, Year}

// Microseconds of a minute, an hour and a day by the clock.
const (
	MinuteMicros int64 = 60_000_000
	HourMicros         = 60 * MinuteMicros
	DayMicros          = 24 * HourMicros
)

// Clock returns the width in microseconds of a bucket of the clock, and false for
// a grain of the calendar.
func (g Grain) Clock() (micros int64, ok bool) {
	switch g {
	case Minute:
		return MinuteMicros, true
	case Hour:
		return HourMicros, true
	}
	return 0, false
}

// Span is a time during which a zone's offset is constant: [Start, End) in UTC
// microseconds. Local microseconds are UTC microseconds plus Offset.
type Span struct{ Start, End, Offset int64 }

// MinMicros and MaxMicros bound spans that have no beginning or no end.
const (
	MinMicros int64 = math.MinInt64
	MaxMicros int64 = math.MaxInt64
)

// Spans returns the spans of a zone that meet [from, to], in order. The first begins
// and the last ends where the zone's offset changes, which may lie outside.
func Spans(zone *time.Location, from, to int64) []Span {
	spans := []Span{spanAt(zone, from)}
	for {
		last := spans[len(spans)-1]
		if last.End > to {
			return spans
		}
		spans = append(spans, spanAt(zone, last.End))
	}
}

// spanAt returns the span that holds an instant: it joins what differs in name only.
func spanAt(zone *time.Location, at int64) Span {
	s := stretchAt(zone, at)
	for s.Start != MinMicros {
		before := stretchAt(zone, s.Start-1)
		if before.Offset != s.Offset {
			break
		}
		s.Start = before.Start
	}
	for s.End != MaxMicros {
		after := stretchAt(zone, s.End)
		if after.Offset != s.Offset {
			break
		}
		s.End = after.End
	}
	return s
}

// stretchAt returns a part, with the instant in it, of the span that holds it. Where
// Go computes bounds by a rule, past the last change that the zone's table lists, a
// stretch ends with the year, and on the last day of a leap year before it began.
func stretchAt(zone *time.Location, at int64) Span {
	t := time.UnixMicro(at).In(zone)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	s := Span{Start: MinMicros, End: MaxMicros, Offset: int64(seconds) * 1_000_000}
	if !start.IsZero() {
		s.Start = min(start.UnixMicro(), at)
	}
	if !end.IsZero() {
		s.End = end.UnixMicro()
	}
	if s.End <= at {
		s.End = at + HourMicros
	}
	return s
}
