package duck

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// SQL's integer division rounds towards zero, and buckets before 1970 must round
// down; and it is the faster the smaller what is divided. So instants count from a
// week before the first of them.

// origin returns the day, counted from 1970-01-01, from which buckets of instants
// of some days count: one on which a week begins, well before the first.
func origin(b calendar.Buckets, days []segment.Day) int64 {
	const least = 3 // local days begin up to two days before those of UTC
	first := int64(0)
	if len(days) > 0 {
		first = int64(days[0]) - least - b.Anchor()
	}
	weeks := first / 7
	if first%7 < 0 {
		weeks--
	}
	return weeks*7 + b.Anchor()
}

// bucketKey writes calendar.Buckets.Key of a column of UTC microseconds as SQL, for
// instants of some days.
func bucketKey(b calendar.Buckets, days []segment.Day, column string) string {
	spans, from := spansOf(b.Zone, days), origin(b, days)
	micros := from * calendar.DayMicros
	if width, ok := b.Grain.Clock(); ok {
		if b.Aligned(spans) {
			return clockKey(column, width, micros, 0)
		}
		return choose(column, spans, func(s calendar.Span) string { return clockStart(column, width, micros, s) })
	}
	offset := choose(column, spans, func(s calendar.Span) string { return integer(s.Offset) })
	local := column + " + " + offset
	switch b.Grain {
	case calendar.Day:
		return fmt.Sprintf("(%s - %s) // %d + %s", local, integer(micros), calendar.DayMicros, integer(from))
	case calendar.Week:
		return fmt.Sprintf("(%s - %s) // %d + %s", local, integer(micros), 7*calendar.DayMicros, integer((from-b.Anchor())/7))
	}
	const years = 30_000 // before any year that a time can have
	month := fmt.Sprintf("year(make_timestamp(%s)) * 12 + month(make_timestamp(%s)) - 1", local, local)
	if b.Months() == 1 {
		return month
	}
	return fmt.Sprintf("(%s + %d) // %d - %d", month, 12*years, b.Months(), 12*years/b.Months())
}

// clockKey writes the start of a bucket of the clock under an offset.
func clockKey(column string, width, from, offset int64) string {
	return fmt.Sprintf("(%s - %s) // %d * %d + %s", column, integer(from-offset), width, width, integer(from-offset))
}

func clockStart(column string, width, from int64, s calendar.Span) string {
	key := clockKey(column, width, from, s.Offset)
	if s.Start == calendar.MinMicros || (s.Start+s.Offset)%width == 0 {
		return key
	}
	return fmt.Sprintf("CASE WHEN %[1]s < %[2]s THEN %[2]s ELSE %[1]s END", key, integer(s.Start)) // greatest takes a null for less
}

// choose writes a search for the span that holds an instant: a balanced tree, so
// that a row costs as many comparisons as the number of spans has digits.
func choose(column string, spans []calendar.Span, leaf func(calendar.Span) string) string {
	if len(spans) == 1 {
		return leaf(spans[0])
	}
	middle := len(spans) / 2
	return fmt.Sprintf("CASE WHEN %s < %s THEN %s ELSE %s END", column, integer(spans[middle].Start),
		choose(column, spans[:middle], leaf), choose(column, spans[middle:], leaf))
}
