package duck

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// keySQL is the key of a bucket as SQL: group, which is the cheaper to group by, with
// rest after it. Rows are many and groups are few.
type keySQL struct{ group, rest string }

func (k keySQL) String() string { return k.group + k.rest }

// bucketKey writes calendar.Buckets.Key of a column of UTC microseconds as SQL, for
// instants of some days.
func bucketKey(b calendar.Buckets, days []segment.Day, column string) keySQL {
	spans, from := calendar.SpansOf(b.Zone, days), calendar.Origin(b, days)
	micros := from * calendar.DayMicros
	if width, ok := b.Grain.Clock(); ok {
		if b.Aligned(spans) {
			return clockKey(column, width, micros, 0)
		}
		return keySQL{group: choose(column, spans, func(s calendar.Span) string { return clockStart(column, width, micros, s) })}
	}
	since := func(first int64) string { // local microseconds since then
		return column + " - " + choose(column, spans, func(s calendar.Span) string { return integer(first - s.Offset) })
	}
	switch b.Grain {
	case calendar.Day:
		return keySQL{fmt.Sprintf("(%s) // %d", since(micros), calendar.DayMicros), " + " + integer(from)}
	case calendar.Week:
		return keySQL{fmt.Sprintf("(%s) // %d", since(micros), 7*calendar.DayMicros), " + " + integer((from-b.Anchor())/7)}
	}
	const years = 30_000 // before any year that a time can have
	month := fmt.Sprintf("year(make_timestamp(%s)) * 12 + month(make_timestamp(%s))", since(0), since(0))
	if b.Months() == 1 {
		return keySQL{month, " - 1"}
	}
	return keySQL{fmt.Sprintf("(%s + %d) // %d", month, 12*years-1, b.Months()), fmt.Sprintf(" - %d", 12*years/b.Months())}
}

// clockKey writes the start of a bucket of the clock under an offset.
func clockKey(column string, width, from, offset int64) keySQL {
	return keySQL{fmt.Sprintf("(%s - %s) // %d", column, integer(from-offset), width), fmt.Sprintf(" * %d + %s", width, integer(from-offset))}
}

func clockStart(column string, width, from int64, s calendar.Span) string {
	key := clockKey(column, width, from, s.Offset).String()
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
