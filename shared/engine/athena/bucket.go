package athena

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// Buckets begin at whole seconds, as offsets from UTC and their changes do. So a
// bucket is found from the whole seconds of an instant by remainders alone: dividing
// ints is written differently by different engines. What a statement returns of a
// bucket is the seconds or months at which it begins, of which keyOf makes the key.

const (
	second     = 1_000_000 // microseconds
	daySeconds = calendar.DayMicros / second
)

// seconds writes the whole Unix seconds of a TIMESTAMP. They are counted from the year
// 1, before which no event is: a difference to a later instant would be rounded up.
func seconds(column string) string {
	const year1 = -62_135_596_800
	return plus("date_diff('second', TIMESTAMP '0001-01-01 00:00:00', "+column+")", year1)
}

// bucketStart writes where the bucket of an instant begins, of which there are the
// TIMESTAMP and the whole seconds, for instants of some days.
func bucketStart(b calendar.Buckets, days []segment.Day, instant, seconds string) string {
	spans, from := calendar.SpansOf(b.Zone, days), calendar.Origin(b, days)*daySeconds
	leaf := func(s calendar.Span) string { return calendarStart(b, from, instant, seconds, s) }
	if micros, ok := b.Grain.Clock(); ok {
		width := micros / second
		if b.Aligned(spans) {
			return rounded(seconds, -from, width)
		}
		leaf = func(s calendar.Span) string { return clockStart(seconds, from, width, s) }
	}
	return calendar.Choose(spans, leaf, func(start int64, before, after string) string {
		return fmt.Sprintf("CASE WHEN %s < %s THEN %s ELSE %s END", seconds, integer(start/second), before, after)
	})
}

// rounded rounds a number down to where, by an offset, it is a multiple of a width.
func rounded(number string, offset, width int64) string {
	return fmt.Sprintf("%s - (%s) %% %d", number, plus(number, offset), width)
}

// clockStart writes the UTC seconds at which a bucket of the clock begins.
func clockStart(seconds string, from, width int64, s calendar.Span) string {
	start := rounded(seconds, s.Offset/second-from, width)
	if s.Start == calendar.MinMicros || (s.Start+s.Offset)/second%width == 0 {
		return start
	}
	return fmt.Sprintf("greatest(%s, %s)", start, integer(s.Start/second))
}

// calendarStart writes the local seconds at which a bucket of days begins, or the local
// months at which one of months does, counted from the year 0.
func calendarStart(b calendar.Buckets, from int64, instant, seconds string, s calendar.Span) string {
	offset := s.Offset / second
	switch b.Grain {
	case calendar.Day:
		return rounded(plus(seconds, offset), -from, daySeconds)
	case calendar.Week:
		return rounded(plus(seconds, offset), -from, 7*daySeconds)
	}
	local := instant + fmt.Sprintf(" + INTERVAL '%d' SECOND", offset)
	if offset < 0 {
		local = instant + fmt.Sprintf(" - INTERVAL '%d' SECOND", -offset)
	}
	switch b.Grain {
	case calendar.Year:
		return fmt.Sprintf("year(%s) * 12", local)
	case calendar.Quarter:
		return fmt.Sprintf("year(%s) * 12 + quarter(%s) * 3 - 3", local, local)
	}
	return fmt.Sprintf("year(%s) * 12 + month(%s) - 1", local, local)
}

// keyOf returns the key of the bucket of which bucketStart's expression is start.
func keyOf(b calendar.Buckets, start int64) int64 {
	switch b.Grain {
	case calendar.Minute, calendar.Hour:
		return start * second
	case calendar.Day:
		return start / daySeconds
	case calendar.Week:
		return (start/daySeconds - b.Anchor()) / 7
	}
	return start / b.Months()
}
