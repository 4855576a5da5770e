package crash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/suppression"
)

// merge runs one step of a compactor that merges whatever it can.
func (w *world) merge() error {
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	report, err := compact.Compactor{
		Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock}, Now: w.clock,
		Policy: compact.Policy{Files: 5, FanIn: 2, Rows: 1 << 20, Bytes: 1 << 30, Own: 2, Quiet: time.Hour},
	}.Step(w.t.Context(), owner, w.dataset.ID)
	w.merges += report.Merges
	return err
}

// tidy deletes what nobody may read any more, some hours later.
func (w *world) tidy() {
	w.now = w.now.Add(2 * time.Hour)
	if _, err := (manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}).Sweep(w.t.Context(), owner, w.dataset.ID, time.Hour); err != nil {
		w.t.Fatal(err)
	}
}

// mergeWorld has a dataset with rows, copies and refused events in many segments.
func mergeWorld(t *testing.T) *world {
	w := newWorld(t, 11)
	w.off()
	for range 12 {
		w.send(w.batch())
		w.settle()
	}
	return w
}

func (w *world) files() (all []blob.Info) {
	page, err := w.blobs.List(w.t.Context(), segment.Prefix(owner, w.dataset.ID)+"rows/", "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Blobs
}

// state is what is committed.
func (w *world) state() manifest.State {
	st, err := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}.Load(w.t.Context(), owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// fates asks what became of each event, and compares it with the model.
func (w *world) fates() {
	want := model(w.t, w.stream, w.dataset)
	snap := snapshot.OfState(w.dataset, w.state())
	finder := fate.Finder{Segments: segment.NewCache(w.blobs, 1<<20), Stream: w.stream, Suppressions: suppression.Store{Table: w.table}}
	for n := range 60 {
		id := fmt.Sprintf("e%d", n)
		got, err := finder.Find(w.t.Context(), owner, snap, id, time.Time{})
		row, stored := want.Rows[id]
		switch {
		case stored && (err != nil || got.Fate != fate.Stored || got.Duplicates != want.Duplicates[id] || !strings.Contains(row, fmt.Sprint(got.Time.UnixMicro()))):
			w.t.Errorf("%s is %+v, %v; want it stored once and %d copies of %s", id, got, err, want.Duplicates[id], row)
		case !stored && err == nil && got.Fate != fate.Quarantined || !stored && err != nil && !fault.Is(err, fault.NotFound):
			w.t.Errorf("%s is %+v, %v; want none stored", id, got, err)
		}
	}
}

func TestAMergeBrokenOffAtAnyCallChangesNoNumberAndLeavesNoFile(t *testing.T) {
	t.Parallel()
	misfortunes := map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter, "overtaken": detour}
	for name, what := range misfortunes {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := mergeWorld(t)
				w.injector.aside = func() { _, _ = w.merge(), w.merge() }
				w.injector.after = func() {}
				before := w.rows(snapshot.OfState(w.dataset, w.state()))
				w.plan(call, what)
				survives(func() { _ = w.merge() })
				if w.happened[what] == 0 {
					if call < 12 {
						t.Errorf("a merge of %d calls proves little", call)
					}
					return // it ended before that call
				}
				w.off()
				if diff := cmp.Diff(before, w.rows(snapshot.OfState(w.dataset, w.state()))); diff != "" {
					t.Fatalf("call %d: rows (-before +after):\n%s", call, diff)
				}
				for merged := -1; merged < w.merges; {
					merged = w.merges
					if err := w.merge(); err != nil {
						t.Fatalf("call %d: the merge after: %v", call, err)
					}
				}
				w.tidy()
				if st := w.state(); len(w.files()) != len(st.Of(segment.Rows)) {
					t.Errorf("call %d: %d files, of which %d are named", call, len(w.files()), len(st.Of(segment.Rows)))
				}
				w.check()
				if w.fates(); t.Failed() {
					t.Fatalf("after call %d", call)
				}
			}
		})
	}
}

func TestAVersionThatWasPinnedBeforeMergesIsReadableForTheGrace(t *testing.T) {
	t.Parallel()
	w := mergeWorld(t)
	pinned := snapshot.OfState(w.dataset, w.state())
	before := w.rows(pinned)
	for range 5 {
		if err := w.merge(); err != nil {
			t.Fatal(err)
		}
	}
	if w.merges == 0 {
		t.Fatal("nothing was merged")
	}
	w.now = w.now.Add(time.Hour - time.Second)
	if _, err := (manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}).Sweep(t.Context(), owner, w.dataset.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, w.rows(pinned)); diff != "" {
		t.Error(diff)
	}
}
