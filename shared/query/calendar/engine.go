package calendar

import (
	"slices"
	"time"
)

// What engines need to bucket rows by integer arithmetic. Their integer division
// rounds towards zero, and buckets before 1970 must round down; and it is the faster
// the smaller what is divided. So instants count from a week before the first of them.

// Origin returns the day, counted from 1970-01-01, from which buckets of instants of
// some days, ascending, count: one on which a week begins, well before the first.
func Origin[D ~int32](b Buckets, days []D) int64 {
	const least = 3 // local days begin up to two days before those of UTC
	first := int64(0)
	if len(days) > 0 {
		first = int64(days[0]) - least - b.Anchor()
	}
	return floorDiv(first, 7)*7 + b.Anchor()
}

// SpansOf returns the spans of a zone that meet some UTC days, both ascending; of no
// days, any. Most zones change twice a year and most data is of few years, but an
// event of the year 9999 must not cost the sixteen thousand changes before it.
func SpansOf[D ~int32](zone *time.Location, days []D) []Span {
	if len(days) == 0 {
		days = []D{0}
	}
	var spans []Span
	for _, day := range days {
		begin := int64(day) * DayMicros
		end := begin + DayMicros - 1
		if n := len(spans); n > 0 {
			begin = max(begin, spans[n-1].End)
		}
		if begin <= end {
			spans = append(spans, Spans(zone, begin, end)...)
		}
	}
	return spans
}

// Choose writes a search for the span that holds an instant: a balanced tree of
// branches at the starts of spans, so that a row costs as many comparisons as the
// number of spans has digits.
func Choose(spans []Span, leaf func(Span) string, branch func(start int64, before, after string) string) string {
	if len(spans) == 1 {
		return leaf(spans[0])
	}
	middle := len(spans) / 2
	return branch(spans[middle].Start, Choose(spans[:middle], leaf, branch), Choose(spans[middle:], leaf, branch))
}

// Union lists the days of several lists once each, ascending.
func Union[D ~int32](lists ...[]D) []D {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}
