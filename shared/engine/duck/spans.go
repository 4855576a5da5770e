package duck

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// daysOf lists the UTC days of the event times of all sources, ascending.
func daysOf(s selection, tail []part) []segment.Day {
	var days []segment.Day
	for _, ref := range s.refs {
		days = append(days, ref.Days...)
	}
	for _, p := range tail {
		days = append(days, p.days...)
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// spansOf returns the spans of a zone that meet some days, ascending; of no days,
// any. Most zones change twice a year and most data is of few years, but an event
// of the year 9999 must not cost the sixteen thousand changes before it.
func spansOf(zone *time.Location, days []segment.Day) []calendar.Span {
	if len(days) == 0 {
		days = []segment.Day{0}
	}
	var spans []calendar.Span
	for _, day := range days {
		begin := int64(day) * calendar.DayMicros
		end := begin + calendar.DayMicros - 1
		if n := len(spans); n > 0 {
			begin = max(begin, spans[n-1].End)
		}
		if begin <= end {
			spans = append(spans, calendar.Spans(zone, begin, end)...)
		}
	}
	return spans
}
