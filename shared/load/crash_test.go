package load_test

import "testing"

// secondLoad is what goes wrong in these tests: two segments after those of another load.
var secondLoad = counted([]int64{10, 11}, []int64{12})

func TestALoadThatWasCutOffAnywhereIsRepeatedOnce(t *testing.T) {
	for name, what := range map[string]misfortune{"refused": refused, "lost": lost, "dead before": dead, "dead after": dying} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			for met := true; met; calls++ {
				w := newWorld()
				w.append(t, "first", counted([]int64{1}))
				p := &process{world: w, at: calls, what: what}
				err := p.append(t.Context(), "second", secondLoad)
				if met = p.met; met && err == nil {
					t.Fatalf("call %d: the misfortune went unnoticed", calls)
				}
				w.sweep(t)
				w.append(t, "second", secondLoad)
				w.append(t, "third", counted([]int64{20}))
				w.append(t, "second", secondLoad)
				w.sweep(t)
				w.check(t, 1, 10, 11, 12, 20)
				if t.Failed() {
					t.Fatalf("call %d", calls)
				}
			}
			if calls < 8 {
				t.Errorf("only %d calls: the misfortunes have not been everywhere", calls)
			}
		})
	}
}

func TestALoadThatStallsAnywhereNeitherDoublesNorTearsItsTable(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *world){
		"a sweep":                  func(t *testing.T, w *world) { w.sweep(t) },
		"another load and a sweep": func(t *testing.T, w *world) { w.append(t, "third", counted([]int64{20})); w.sweep(t) },
		"itself, another and a sweep": func(t *testing.T, w *world) {
			w.append(t, "second", secondLoad)
			w.append(t, "third", counted([]int64{20}))
			w.sweep(t)
		},
		"itself, with other rows to a file": func(t *testing.T, w *world) {
			w.append(t, "second", counted([]int64{10}, []int64{11, 12}))
			w.append(t, "third", counted([]int64{20}))
			w.sweep(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			for met := true; met; calls++ {
				w := newWorld()
				w.append(t, "first", counted([]int64{1}))
				p := &process{world: w, at: calls, what: func(op func() error) error { meanwhile(t, w); return op() }}
				if err := p.append(t.Context(), "second", secondLoad); err != nil {
					t.Fatalf("call %d: %v", calls, err)
				}
				if met = p.met; !met {
					break
				}
				w.append(t, "second", secondLoad)
				w.append(t, "third", counted([]int64{20}))
				w.sweep(t)
				w.check(t, 1, 10, 11, 12, 20)
				if t.Failed() {
					t.Fatalf("call %d", calls)
				}
			}
			if calls < 8 {
				t.Errorf("only %d calls: it has not stalled everywhere", calls)
			}
		})
	}
}

func TestFilesOfALoadThatWasGivenUpAreSweptAfterTheNext(t *testing.T) {
	w := newWorld()
	p := &process{world: w, at: 8, what: dead}
	if err := p.append(t.Context(), "given up", secondLoad); err == nil {
		t.Fatal("it was not cut off")
	}
	count := func() int {
		page, err := w.blobs.List(t.Context(), "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Blobs)
	}
	left := count()
	w.sweep(t)
	if left == 0 || count() != left {
		t.Fatalf("%d files, %d after a sweep: they can still be claimed", left, count())
	}
	w.append(t, "next", counted([]int64{1}))
	w.sweep(t)
	if n := count(); n != 1 {
		t.Errorf("%d files, want that of the next load", n)
	}
	w.check(t, 1)
}
