package crash

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tabular"
)

// visits is a file of events: some without an id, some with that of another, one without
// a name, and a record that is none.
const visits = `event_id,event,time,user_id,free
e1,seen,2026-03-28T10:00:00Z,u1,1
e2,seen,2026-03-28T11:00:00Z,u2,2.5
,seen,2026-03-28T12:00:00Z,u3,3
e1,seen,2026-03-28T10:00:00Z,u1,1
,,2026-03-28T12:00:00Z,u3,3
e3,seen,2026-03-28T12:00:00Z,u3,text,more
,seen,,u3,
`

const visitRecords = 7

// loads loads the file as a process does that may end meanwhile.
func (w *world) loads(d dataset.Dataset, text, order string) (done file.Loaded, err error) {
	loading := file.Loading{Ingest: w.options(0), Enricher: w.enricher(),
		Loader: load.Loader{Manifest: manifest.Store{Table: faultyTable{w.table, &w.injector}, Blobs: faultyBlobs{w.blobs, &w.injector}, Now: w.clock}}}
	src := tabular.FromReaderAt(strings.NewReader(text), int64(len(text)))
	o := file.Order{ID: order, Arrived: 1774695600000000, Spec: file.Spec{Name: "visits.csv", Options: tabular.Options{Format: tabular.CSV}}}
	survives(func() { done, err = loading.Load(context.Background(), owner, d, o, src, nil) })
	return done, err
}

func TestAFileOfEventsThatIsLoadedAgainAfterAnyMisfortuneCountsOnce(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter, "partly refused": partial} {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := newWorld(t, 3)
				w.injector.after = func() {}
				w.off()
				w.plan(call, what)
				_, _ = w.loads(w.dataset, visits, "first")
				met := w.happened[what] > 0
				w.off()
				if call%2 == 0 {
					w.settle() // what came is folded before it is loaded again
				}
				for range 2 {
					if done, err := w.loads(w.dataset, visits, "first"); err != nil || done.Loaded != 5 || done.Quarantined != 2 {
						t.Fatalf("call %d: %+v, %v", call, done, err)
					}
				}
				w.settle()
				if want := model(t, w.stream, w.dataset); want.Arrived != visitRecords || len(want.Rows) != 4 || len(want.Quarantined) != 2 {
					t.Errorf("call %d: %d arrived, want %d: %+v", call, want.Arrived, visitRecords, want)
				}
				if w.check(); t.Failed() {
					t.Fatalf("call %d", call)
				}
				if !met {
					return
				}
			}
		})
	}
}

func TestTheSameFileOfEventsOrderedTwiceIsCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.off()
	for _, order := range []string{"first", "second"} {
		if _, err := w.loads(w.dataset, visits, order); err != nil {
			t.Fatal(err)
		}
		w.settle()
	}
	snap := w.open(w.workers[0])
	if snap.Visible() != 4 {
		t.Errorf("%d rows, want 4", snap.Visible())
	}
}

func TestAFileOfATableThatIsLoadedAgainAfterAnyMisfortuneIsThereOnce(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter} {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := newWorld(t, 3)
				w.injector.after = func() {}
				w.off()
				d, err := dataset.Catalog{Table: w.table, Now: w.clock, NewID: func() dataset.ID { return "d2" }}.Create(t.Context(), owner, dataset.Spec{Name: "orders", Kind: dataset.Table})
				if err != nil {
					t.Fatal(err)
				}
				w.plan(call, what)
				_, _ = w.loads(d, visits, "first")
				met := w.happened[what] > 0
				w.off()
				for _, order := range []string{"first", "second"} { // the same content, asked for by somebody else
					if done, err := w.loads(d, visits, order); err != nil || done.Loaded != 6 || done.Quarantined != 1 || order == "second" && !done.Already {
						t.Fatalf("call %d, %s: %+v, %v", call, order, done, err)
					}
				}
				st, err := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}.Load(t.Context(), owner, d.ID)
				if err != nil || st.Visible() != 6 || len(st.Of(segment.Quarantine)) != 1 {
					t.Fatalf("call %d: %d rows, %d segments of quarantine, %v", call, st.Visible(), len(st.Of(segment.Quarantine)), err)
				}
				kept, err := segment.NewCache(w.blobs, 1<<20).ReadQuarantine(t.Context(), st.Of(segment.Quarantine)[0])
				if err != nil || len(kept) != 1 || kept[0].EventID != "visits.csv:7" || !bytes.Contains(kept[0].Raw, []byte("more")) {
					t.Fatalf("call %d: in quarantine is %+v, %v", call, kept, err)
				}
				if !met {
					return
				}
			}
		})
	}
}
