package schedule

import (
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// rate is a fixed time between ticks, counted from an anchor, whatever clocks show. The
// anchor itself is the first tick.
type rate struct {
	every  time.Duration
	anchor time.Time
}

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}

// longest is the longest rate.
const longest = 366 * 24 * time.Hour

// parseRate reads "15 minutes", "1 hour" and the like. A day has 24 hours.
func parseRate(text string) (time.Duration, error) {
	words := strings.Fields(text)
	if len(words) == 2 {
		n, err := number(words[0])
		unit := units[strings.TrimSuffix(strings.ToLower(words[1]), "s")]
		if every := time.Duration(n) * unit; err == nil && every >= time.Minute && every <= longest {
			return every, nil
		}
	}
	return 0, fault.New(fault.Invalid, "bad_rate", "%.60q is no rate", text).
		WithHint("a number of minutes, hours, days or weeks, from 1 minute to 366 days: 15 minutes")
}

func (r rate) next(after time.Time) (tick time.Time, ok bool) {
	if after.Before(r.anchor) {
		return r.anchor, true
	}
	return r.anchor.Add((after.Sub(r.anchor)/r.every + 1) * r.every), true
}

// once is a single tick.
type once struct{ at time.Time }

func (o once) next(after time.Time) (tick time.Time, ok bool) { return o.at, after.Before(o.at) }
