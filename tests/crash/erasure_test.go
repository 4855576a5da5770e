package crash

import (
	"flag"
	"testing"

	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
)

// somebodyStored has a dataset with rows, copies and refused events of somebody and of
// others: merged, not merged, and published.
func somebodyStored(t *testing.T, seed uint64) *erasing { return withRows(newErasing(t, seed)) }

// rowsStored is the same, where somebody's rows are erased by a filter.
func rowsStored(t *testing.T, seed uint64) *erasing {
	w := newErasing(t, seed)
	w.engine = ducktest.Open(t, w.blobs, duck.Config{})
	return withRows(w)
}

func withRows(w *erasing) *erasing {
	t := w.t
	for range 5 {
		w.sends()
		w.settle()
	}
	for range 2 {
		if err := w.merge(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.publish(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.sends()
		w.settle()
	}
	w.order()
	return w
}

// afterwardsToo sends more of somebody's events, folds all, and checks.
func (w *erasing) afterwardsToo() {
	w.complete()
	for range 2 {
		w.sends()
	}
	w.settle()
	w.checkErased()
}

func TestAnErasureByAFilterLeavesNoRowThatItMatchesAndAllOfTheOthers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		w := rowsStored(t, seed)
		if err := w.erase(); err != nil {
			t.Fatal(err)
		}
		if w.afterwardsToo(); t.Failed() {
			t.Fatalf("schedule %d", seed)
		}
		if w.result.Rows == 0 || w.result.Suppression != "" {
			t.Errorf("schedule %d: the certificate is %+v", seed, w.result)
		}
	}
}

func TestAnErasureLeavesNothingOfSomebodyAndAllOfTheOthers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		w := somebodyStored(t, seed)
		w.sends() // is on its way
		if err := w.erase(); err != nil {
			t.Fatal(err)
		}
		w.scan()
		if w.afterwardsToo(); t.Failed() {
			t.Fatalf("schedule %d", seed)
		}
		if w.result.Rows == 0 {
			t.Errorf("schedule %d: nothing was erased", seed)
		}
	}
}

var everyCall = flag.Bool("every-call", false, "break an erasure off at each of its calls, and run three times the schedules")

func TestAnErasureBrokenOffOrOvertakenAtAnyCallEndsInTheSameState(t *testing.T) {
	t.Parallel()
	atAnyCall(t, somebodyStored)
}

func TestAnErasureByAFilterBrokenOffOrOvertakenAtAnyCallEndsInTheSameState(t *testing.T) {
	t.Parallel()
	atAnyCall(t, rowsStored)
}

// atAnyCall erases again and again, with a misfortune at one call after the other.
func atAnyCall(t *testing.T, begin func(*testing.T, uint64) *erasing) {
	misfortunes := map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter, "overtaken": detour}
	stride := 7
	switch {
	case *everyCall:
		stride = 1
	case testing.Short():
		stride = 29
	}
	for name, what := range misfortunes {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call += stride {
				w := begin(t, 11)
				w.plan(call, what)
				survives(func() { _ = w.erase() })
				if w.happened[what] == 0 {
					if call < 40 {
						t.Errorf("an erasure of %d calls proves little", call)
					}
					return // it ended before that call
				}
				if w.afterwardsToo(); t.Failed() {
					t.Fatalf("after call %d", call)
				}
			}
		})
	}
}

func TestEveryScheduleOfAnErasureEndsWithoutSomebody(t *testing.T) {
	t.Parallel()
	schedules := 100
	switch {
	case *everyCall:
		schedules = 300
	case testing.Short():
		schedules = 25
	}
	happened := map[misfortune]int{}
	for seed := range uint64(schedules) {
		w := newErasing(t, seed)
		w.order()
		begins := 5 + w.rng.IntN(20)
		for n := range 40 {
			w.step(n >= begins)
		}
		w.settle()
		if w.afterwardsToo(); t.Failed() {
			t.Fatalf("schedule %d; misfortunes: %v", seed, w.happened)
		}
		for what, n := range w.happened {
			happened[what] += n
		}
	}
	for what := refuse; what < misfortunes; what++ {
		if happened[what] == 0 {
			t.Errorf("misfortune %d happened %d times in all schedules: too rarely to prove anything", what, happened[what])
		}
	}
	t.Logf("misfortunes by kind: %v", happened)
}

// step does one thing, most often with a misfortune waiting in it.
func (w *erasing) step(erases bool) {
	if w.rng.IntN(4) > 0 {
		w.plan(w.rng.IntN(30), misfortune(1+w.rng.IntN(int(misfortunes-1))))
	}
	defer w.off()
	switch n := w.rng.IntN(12); {
	case n < 4:
		w.sends()
	case n < 6:
		w.deliver(0)
	case n < 7:
		w.follow(1)
	case n < 8:
		survives(func() { _ = w.merge() })
	case n < 9:
		_ = w.publish()
	case erases && !w.done:
		survives(func() { _ = w.erase() })
	}
}
