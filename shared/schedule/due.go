package schedule

import (
	"slices"
	"time"
)

// Grace is how late a tick may be and count as late, not as missed: longer than a lost
// alarm takes to be found.
const Grace = 20 * time.Minute

// MaxCatchUp bounds how many ticks are made up for.
const MaxCatchUp = 100

// Of a schedule that was not looked at for very long, maxMissed ticks are counted, and of
// those beyond them the ones that are younger than recent.
const (
	maxMissed = 50_000
	recent    = 30 * 24 * time.Hour
)

// step is what is to be done next about a schedule that is due.
type step struct {
	tick time.Time // to be fired; zero: none
	skip Run       // ticks that are given up; its zero Tick: none
	next time.Time // the first tick that is not dealt with then
}

// due returns what is to be done first. Ticks that are at most Grace late are each fired;
// where one is older, CatchUp says what is done about all of them.
func (s Schedule) due(t Timetable, now time.Time) step {
	fire := step{tick: s.Next, next: t.Next(s.Next)}
	if now.Sub(s.Next) <= Grace {
		return fire
	}
	late, n := missed(t, s.Next, now)
	kept := late[s.givenUp(late, now):]
	if len(kept) > 0 && kept[0].Equal(s.Next) {
		return fire
	}
	skip := Run{Tick: s.Next, Until: late[len(late)-len(kept)-1], Missed: n - len(kept), At: now, Outcome: Skipped}
	if len(kept) == 0 {
		return step{skip: skip, next: t.Next(now)}
	}
	return step{skip: skip, next: kept[0]}
}

// givenUp returns how many of the latest missed ticks are not fired.
func (s Schedule) givenUp(late []time.Time, now time.Time) int {
	switch s.Spec.CatchUp {
	case All:
		return max(0, len(late)-MaxCatchUp)
	case Skip:
		young, _ := slices.BinarySearchFunc(late, now.Add(-Grace), time.Time.Compare)
		return young
	}
	return len(late) - 1
}

// missed returns the latest ticks from one on until now, one more than can be made up for,
// and how many there are, at least.
func missed(t Timetable, first, now time.Time) (late []time.Time, n int) {
	for tick := first; !tick.IsZero() && !tick.After(now); n++ {
		if late = append(late, tick); len(late) > 2*MaxCatchUp {
			late = slices.Delete(late, 0, len(late)-MaxCatchUp-1)
		}
		if n == maxMissed {
			tick = later(tick, now.Add(-recent))
		}
		tick = t.Next(tick)
	}
	return late[max(0, len(late)-MaxCatchUp-1):], n
}
