package duck

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// bucketKey writes calendar.Buckets.Key of a column of UTC microseconds as SQL, for
// instants of some days.
func bucketKey(b calendar.Buckets, days []segment.Day, column string) string {
	spans, from := calendar.SpansOf(b.Zone, days), calendar.Origin(b, days)
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

// choose writes a search for the span that holds an instant.
func choose(column string, spans []calendar.Span, leaf func(calendar.Span) string) string {
	return calendar.Choose(spans, leaf, func(start int64, before, after string) string {
		return fmt.Sprintf("CASE WHEN %s < %s THEN %s ELSE %s END", column, integer(start), before, after)
	})
}
