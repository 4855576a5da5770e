package duck

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/query/calendar"
)

// biasDays makes what is divided positive: SQL's integer division rounds towards
// zero, and buckets before 1970 must round down. It is a whole number of weeks, and
// far from the ends of 64 bits on both sides of any year that a time can have.
const biasDays = 7 * 1_400_000

const bias = biasDays * calendar.DayMicros

// bucketKey writes calendar.Buckets.Key of a column of UTC microseconds as SQL. All
// of its values must lie in one of the spans.
func bucketKey(b calendar.Buckets, spans []calendar.Span, column string) string {
	if width, ok := b.Grain.Clock(); ok {
		if b.Aligned(spans) {
			return clockKey(column, width, calendar.Span{})
		}
		return choose(column, spans, func(s calendar.Span) string { return clockStart(column, width, s) })
	}
	local := choose(column, spans, func(s calendar.Span) string { return plus(column, s.Offset) })
	if len(spans) > 1 {
		local = column + " + " + choose(column, spans, func(s calendar.Span) string { return integer(s.Offset) })
	}
	switch b.Grain {
	case calendar.Day:
		return fmt.Sprintf("(%s + %d) // %d - %d", local, bias, calendar.DayMicros, int64(biasDays))
	case calendar.Week:
		return fmt.Sprintf("(%s + %d) // %d - %d", local, bias-b.Anchor()*calendar.DayMicros, 7*calendar.DayMicros, int64(biasDays/7))
	}
	const years = 30_000 // as biasDays, for months
	month := fmt.Sprintf("year(make_timestamp(%s)) * 12 + month(make_timestamp(%s)) - 1", local, local)
	if b.Months() == 1 {
		return month
	}
	return fmt.Sprintf("(%s + %d) // %d - %d", month, 12*years, b.Months(), 12*years/b.Months())
}

func clockKey(column string, width int64, s calendar.Span) string {
	return fmt.Sprintf("(%s) // %d * %d - %d", plus(column, s.Offset+bias), width, width, s.Offset+bias)
}

func clockStart(column string, width int64, s calendar.Span) string {
	key := clockKey(column, width, s)
	if s.Start == calendar.MinMicros || (s.Start+s.Offset)%width == 0 {
		return key
	}
	return fmt.Sprintf("greatest(%s, %s)", key, integer(s.Start))
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

func plus(column string, n int64) string {
	if n == 0 {
		return column
	}
	return column + " + " + integer(n)
}
