package schedule

import "time"

// zoned is a cron expression in a zone. Its ticks are exact over every change of the
// zone's clock, of whatever length and at whatever hour:
//
//   - Whose hours float fires at every instant at which the clock shows a time of it: in
//     both of two doubled hours, in none of a skipped one.
//   - Any other fires for each time once, at the first instant at which the clock has
//     reached it: after a gap at its end, in a doubled hour at the first of both.
type zoned struct {
	cron
	zone *time.Location
}

// settled is for how long after a change of the clock a time may be shown again.
const settled = 48 * time.Hour

// next returns the first tick after an instant.
func (z zoned) next(after time.Time) (tick time.Time, ok bool) {
	at := after.UTC().Truncate(time.Second).Add(time.Second)
	for last := at.Year() + horizon; at.Year() <= last; {
		start, end := at.In(z.zone).ZoneBounds()
		wall, ok := z.from(at, start)
		if !ok {
			return time.Time{}, false
		}
		if wall.IsZero() {
			return at, true
		}
		if tick := at.Add(wall.Sub(z.wall(at))); end.IsZero() || tick.Before(end) {
			return tick, true
		}
		at = end.UTC()
	}
	return time.Time{}, false
}

// from returns the wall time of the first tick from an instant on, if the clock does not
// change before, or no time for a tick at the very instant: the end of a gap.
func (z zoned) from(at, start time.Time) (wall time.Time, ok bool) {
	shows := z.wall(at)
	if z.floated || start.IsZero() || at.Sub(start) > settled {
		return z.match(shows)
	}
	reached := z.reached(start)
	if at.Equal(start) && reached.Before(shows) {
		if missed, ok := z.match(reached); ok && missed.Before(shows) {
			return time.Time{}, true
		}
	}
	return z.match(later(shows, reached))
}

// reached returns the wall time that the clock had shown all times before, when it was
// changed at start.
func (z zoned) reached(start time.Time) (wall time.Time) {
	for end := start; !end.IsZero() && start.Sub(end) <= settled; {
		before := end.Add(-time.Nanosecond).In(z.zone)
		_, offset := before.Zone()
		wall = later(wall, end.UTC().Add(time.Duration(offset)*time.Second))
		end, _ = before.ZoneBounds()
	}
	return wall
}

// wall returns what the zone's clock shows at an instant.
func (z zoned) wall(at time.Time) time.Time {
	_, offset := at.In(z.zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
