package crash

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
)

// TestEdgeOfDeduplication shows where the promise ends: an id is known for ever by
// the UTC day of its event's own time, and by whatever time for the arrival day and
// the seven days after it.
func TestEdgeOfDeduplication(t *testing.T) {
	t.Parallel()
	arrived := time.Date(2026, 3, 10, 23, 59, 0, 0, time.UTC)
	own := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for claim, c := range map[string]struct {
		after time.Duration // of the second arrival
		time  time.Time     // of the second copy
		rows  int
	}{
		"the same time, at once":                              {0, own, 1},
		"the same time, ten years later":                      {3653 * 24 * time.Hour, own, 1},
		"another time of the same day, ten years later":       {3653 * 24 * time.Hour, own.Add(11 * time.Hour), 1},
		"another day, at once":                                {0, own.AddDate(0, 0, -5), 1},
		"no time, seven days later to the last minute":        {7*24*time.Hour + time.Second, time.Time{}, 1},
		"another day, on the eighth day after: beyond":        {7*24*time.Hour + 2*time.Minute, own.AddDate(0, 0, -5), 2},
		"no time, on the eighth day after: beyond":            {7*24*time.Hour + 2*time.Minute, time.Time{}, 2},
		"another day, a year later, but the same as a copy's": {365 * 24 * time.Hour, own, 1},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld(t, 1)
			w.now = arrived
			w.send([]events.Event{{ID: "a", Name: "seen", Time: own.UnixMicro()}})
			w.settle()
			w.now = arrived.Add(c.after)
			again := events.Event{ID: "a", Name: "seen", Time: c.time.UnixMicro()}
			if c.time.IsZero() {
				again.Time, again.MadeTime = w.now.UnixMicro(), true
			}
			w.send([]events.Event{again})
			w.settle()
			snap := w.open(w.workers[0])
			if got := snap.Visible(); got != int64(c.rows) {
				t.Errorf("%d rows, want %d", got, c.rows)
			}
		})
	}
}
