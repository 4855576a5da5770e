package crash

import (
	"testing"
	"time"
)

const feedSchedules = 1500

// TestAFeedsEventsCountOnceHoweverOftenTheyAreDelivered writes records to a feed, has them
// delivered in batches cut anywhere, again and again, through everything that can happen
// to a call and between any two, and counts.
func TestAFeedsEventsCountOnceHoweverOftenTheyAreDelivered(t *testing.T) {
	t.Parallel()
	var total [misfortunes]int
	batches, again := 0, 0
	for seed := range uint64(feedSchedules) {
		w := newFeedWorld(t, seed)
		for range steps {
			w.stepFeed()
		}
		w.drain()
		if w.once(); t.Failed() {
			t.Fatalf("schedule %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			total[what] += n
		}
		batches, again = batches+w.batches, again+w.again
	}
	for what := refuse; what < misfortunes; what++ {
		if total[what] < 100 {
			t.Errorf("misfortune %d happened %d times in all schedules: too rarely to prove anything", what, total[what])
		}
	}
	if again < 5*feedSchedules {
		t.Errorf("%d records were delivered again: too few to prove anything", again)
	}
	t.Logf("%d schedules; %d batches; %d records delivered again; misfortunes by kind: %v", feedSchedules, batches, again, total)
}

// stepFeed does one thing, most often with a misfortune waiting in it.
func (w *feedWorld) stepFeed() {
	n, calls := w.rng.IntN(24), 14
	if n < 12 {
		calls = 8
	}
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(calls), misfortune(1+w.rng.IntN(int(misfortunes-1))))
	}
	defer w.off()
	switch {
	case n < 5:
		w.off()
		w.put()
	case n < 13:
		w.hand()
	case n < 17:
		w.deliver(0)
	case n < 20:
		w.follow(1)
	case n < 21:
		w.off()
		w.read()
	case n < 22:
		w.off()
		w.reshard()
	case n < 23:
		survives(func() { _ = w.merge() })
	default:
		w.now = w.now.Add(time.Duration(w.rng.IntN(200)) * time.Minute)
	}
}
