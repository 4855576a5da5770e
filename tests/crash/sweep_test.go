package crash

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/functions/sweeper"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
)

const (
	gone    dataset.ID = "d1" // is deleted
	kept    dataset.ID = "d2" // lives
	century            = 100 * 365 * 24 * time.Hour
)

// sweepWorld has two datasets with data of every kind, and files that nothing names.
// One of the datasets has been deleted.
func sweepWorld(t *testing.T) *world {
	w := newWorld(t, 7)
	w.off()
	w.fill()
	catalog := w.catalog()
	catalog.NewID = func() dataset.ID { return kept }
	living, err := catalog.Create(t.Context(), owner, dataset.Spec{Name: "kept", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	w.dataset = living
	w.fill()
	for _, d := range []dataset.ID{gone, kept} {
		for _, name := range orphans {
			if err := w.blobs.Put(t.Context(), segment.Prefix(owner, d)+name, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.delete()
	return w
}

// orphans are files that nothing names and nobody can claim.
var orphans = []string{"rows/mixed/shard-1-1-1-0123456789abcdef.parquet", "duplicates/mixed/shard-2-1-1-0123456789abcdef.parquet", "state/0123.json"}

func (w *world) catalog() dataset.Catalog { return dataset.Catalog{Table: w.table, Now: w.clock} }

func (w *world) fill() {
	for range 3 {
		w.send(w.batch())
		w.settle()
	}
}

func (w *world) delete() {
	if _, err := w.catalog().Delete(w.t.Context(), owner, "web"); err != nil {
		w.t.Fatal(err)
	}
}

// sweep runs a sweeper to whose ports happens what is planned.
func (w *world) sweep(ctx context.Context) (sweeper.Report, error) {
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	return sweeper.Sweeper{
		Catalog:  dataset.Catalog{Table: tbl, Now: w.clock},
		Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock},
		Now:      w.clock, Grace: sweeper.Grace,
	}.Run(ctx)
}

// mustSweep runs a sweeper that nothing happens to.
func (w *world) mustSweep() sweeper.Report {
	w.off()
	report, err := w.sweep(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// left lists the items and blobs of a dataset.
func (w *world) left(d dataset.ID) (all []string) {
	for _, partition := range []string{checkpoint.Partition(owner, d), "ledger#" + string(owner) + "#" + string(d)} {
		page, err := w.table.List(w.t.Context(), table.Query{Partition: partition})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Items {
			all = append(all, partition+" "+item.Key.Sort)
		}
	}
	page, err := w.blobs.List(w.t.Context(), segment.Prefix(owner, d), "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range page.Blobs {
		all = append(all, b.Key)
	}
	return all
}

func (w *world) tombstones() int {
	all, _, err := w.catalog().Deleted(w.t.Context(), owner, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// named leaves out the blobs that no item names.
func named(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(key string) bool {
		return strings.HasPrefix(key, segment.Prefix(owner, kept)) && !slices.Contains(all, checkpoint.Partition(owner, kept)+" live#"+key)
	})
}

func TestASweepBrokenOffAtAnyCallIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	misfortunes := map[string]misfortune{"refused": refuse, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter, "out of time": detour}
	for name, what := range misfortunes {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := sweepWorld(t)
				want := named(w.left(kept))
				if len(want) == len(w.left(kept)) {
					t.Fatal("there is nothing to sweep")
				}
				w.now = w.now.Add(century)
				ctx, cancel := context.WithCancel(t.Context())
				w.injector.aside = cancel
				w.plan(call, what)
				survives(func() { _, _ = w.sweep(ctx) })
				cancel()
				if w.happened[what] == 0 {
					if call < 30 {
						t.Errorf("a sweep of %d calls proves little", call)
					}
					return // it ended before that call
				}
				w.mustSweep()
				w.mustSweep() // the first one may have begun where time ran out
				if left := w.left(gone); len(left) > 0 || w.tombstones() > 0 {
					t.Errorf("call %d: %d tombstones and %v are left", call, w.tombstones(), left)
				}
				if diff := cmp.Diff(want, w.left(kept)); diff != "" {
					t.Errorf("call %d: what lives (-want +got):\n%s", call, diff)
				}
			}
		})
	}
}

func TestWhatAWorkerCommitsToADeletedDatasetIsSweptToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	w.off()
	w.send(w.batch())
	slow := w.newWorker()
	shards, err := w.stream.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards {
		records, _, err := w.stream.Read(t.Context(), shard.ID, "", 100, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := slow.live.Fold(t.Context(), shard, records); err != nil {
			t.Fatal(err)
		}
	}
	w.delete()
	w.now = w.now.Add(sweeper.Grace)
	w.mustSweep()
	if left := w.left(gone); len(left) > 0 {
		t.Fatalf("after the grace %v is left", left)
	}
	for _, shard := range shards {
		if _, err := slow.live.SealNow(t.Context(), shard.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.left(gone)) == 0 || w.tombstones() == 0 {
		t.Fatal("the slow worker left nothing, or the tombstone is gone: this proves nothing")
	}
	w.mustSweep()
	if left := w.left(gone); len(left) > 0 {
		t.Errorf("after the slow commit %v is left", left)
	}
	w.now = w.now.Add(century)
	w.mustSweep()
	if n := w.tombstones(); n > 0 {
		t.Errorf("%d tombstones never go", n)
	}
}
