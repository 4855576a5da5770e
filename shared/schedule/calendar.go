package schedule

import (
	"math/bits"
	"time"
)

// A wall time is what a zone's clock shows, kept as the time.Time of UTC that shows it.

// horizon is how far ahead a match is looked for. The rarest are leap days that fall on
// given weekdays: at most 40 years apart.
const horizon = 41

// match returns the first wall time of the expression that is not before from.
func (c cron) match(from time.Time) (wall time.Time, ok bool) {
	at := ceiling(from, time.Minute)
	for last := at.Year() + horizon; at.Year() <= last; {
		year, month, day := at.Date()
		switch {
		case !has(c.months, int(month)):
			at = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.day(at):
			at = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		default:
			if minute, ok := c.minute(at.Hour()*60 + at.Minute()); ok {
				return time.Date(year, month, day, 0, minute, 0, 0, time.UTC), true
			}
			at = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		}
	}
	return time.Time{}, false
}

// day reports whether the expression names the day. If both its fields of days are
// restricted, one of them is enough: crontab(5).
func (c cron) day(at time.Time) bool {
	byNumber := has(c.days, at.Day()) || c.last && at.AddDate(0, 0, 1).Day() == 1
	byName := has(c.weekdays, int(at.Weekday()))
	if c.either {
		return byNumber || byName
	}
	return byNumber && byName
}

// minute returns the first minute of a day, from one on, that the expression names.
func (c cron) minute(from int) (minute int, ok bool) {
	hour := from / 60
	if has(c.hours, hour) {
		if m := bits.TrailingZeros64(c.minutes >> (from % 60)); m < 64 {
			return from + m, true
		}
	}
	next := bits.TrailingZeros64(c.hours >> (hour + 1))
	if next == 64 {
		return 0, false
	}
	return (hour+1+next)*60 + bits.TrailingZeros64(c.minutes), true
}

func ceiling(t time.Time, unit time.Duration) time.Time {
	if down := t.Truncate(unit); down.Before(t) {
		return down.Add(unit)
	}
	return t
}
