package crash

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/tests/fake"
)

// droppedFiles are dropped in this order, a second apart.
var droppedFiles = []struct{ path, text string }{
	{"orders/a.csv", "id,v\n1,a\n2,a\n"},
	{"orders/same as a.csv", "id,v\n1,a\n2,a\n"},
	{"orders/upsert=id/b.csv", "id,v\n2,b\n3,b\n"},
	{"orders/upsert=id/c.csv", "id,v\n3,c\n4,c\n"},
	{"orders/upsert=id/a.csv", "id,v\n4,d\n"}, // the last one, although the first by name
	{"orders/sometimes/d.csv", "id,v\n5,d\n"},
	{"nothing/e.csv", "id,v\n6,e\n"},
}

var wantOrders = map[string]string{"1": "a", "2": "b", "3": "c", "4": "d"}

type faultyDrops struct {
	drop.Folder
	*injector
}

func (f faultyDrops) List(ctx context.Context) (all []drop.Drop, err error) {
	err = f.call(func() error { all, err = f.Folder.List(ctx); return err })
	return all, err
}

func (f faultyDrops) Copy(ctx context.Context, d drop.Drop, key string) error {
	return f.call(func() error { return f.Folder.Copy(ctx, d, key) })
}

func (f faultyDrops) Done(ctx context.Context, d drop.Drop) error {
	return f.call(func() error { return f.Folder.Done(ctx, d) })
}

func (f faultyDrops) Refuse(ctx context.Context, d drop.Drop, why string) error {
	return f.call(func() error { return f.Folder.Refuse(ctx, d, why) })
}

// dropWorld is a folder with files, and a server that collects and loads them.
type dropWorld struct {
	*world
	dir    string
	queue  *fake.Queue
	orders dataset.Dataset
	jobs   job.Jobs
	ids    int
}

func newDropWorld(t *testing.T) *dropWorld {
	w := &dropWorld{world: newWorld(t, 3), dir: t.TempDir()}
	w.injector.after = func() {}
	w.queue = &fake.Queue{Now: w.clock, Tries: 5}
	w.jobs = job.Jobs{Table: w.table, Queue: w.queue, Now: w.clock, NewID: func() string { w.ids++; return fmt.Sprintf("%012d", w.ids) }}
	w.off()
	var err error
	if w.orders, err = (dataset.Catalog{Table: w.table, Now: w.clock, NewID: func() dataset.ID { return "d2" }}).Create(t.Context(), owner, dataset.Spec{Name: "orders", Kind: dataset.Table,
		Columns: []dataset.Column{{Name: "id", Type: dataset.Text}}}); err != nil {
		t.Fatal(err)
	}
	for i, f := range droppedFiles {
		full, at := filepath.Join(w.dir, f.path), w.now.Add(time.Duration(i-100)*time.Second)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(full, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// serve is the life of a server: it collects and works until nothing is left, or it dies.
func (w *dropWorld) serve() {
	tbl, blobs := faultyTable{w.table, &w.injector}, faultyBlobs{w.blobs, &w.injector}
	folder, err := embedded.OpenDrops(w.dir, owner, blobs, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	defer folder.Close()
	jobs := w.jobs
	jobs.Table, jobs.Queue = tbl, faultyQueue{w.queue, &w.injector}
	catalog, files := dataset.Catalog{Table: tbl, Now: w.clock}, file.Store{Table: tbl, Blobs: blobs, Now: w.clock}
	c := drop.Collector{Folder: faultyDrops{folder, &w.injector}, Catalog: catalog, Files: files, Jobs: jobs, Log: slog.New(slog.DiscardHandler)}
	runner := file.Runner{Catalog: catalog, Files: files, Loading: file.Loading{Ingest: w.options(0), Enricher: w.enricher(), Loader: load.Loader{Manifest: manifest.Store{Table: tbl, Blobs: blobs, Now: w.clock}}}}
	worker := &job.Worker{Jobs: jobs, Runners: map[job.Kind]job.Runner{file.Kind: runner}, Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler)}
	for range 12 {
		_, _, _ = c.Collect(w.t.Context()) // what fails is tried again
		_, _ = worker.Work(w.t.Context())
		w.now = w.now.Add(2 * time.Minute)
	}
}

// files lists what lies in the folder.
func (w *dropWorld) files() (paths []string) {
	err := filepath.WalkDir(w.dir, func(full string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, _ := filepath.Rel(w.dir, full)
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return paths
}

func (w *dropWorld) rows() map[string]string {
	st, err := manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}.Load(w.t.Context(), owner, w.orders.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	found, cache := map[string]string{}, segment.NewCache(w.blobs, 1<<20)
	for _, ref := range st.Of(segment.Rows) {
		batch, err := cache.ReadRows(w.t.Context(), ref)
		if err != nil {
			w.t.Fatal(err)
		}
		for row := range batch.Len {
			id, v := "", ""
			for _, c := range batch.Columns {
				switch c.Name {
				case "id":
					id = string(c.AppendText(nil, row))
				case "v":
					v = string(c.AppendText(nil, row))
				}
			}
			found[id] += v
		}
	}
	return found
}

var settledFolder = []string{
	"nothing/refused/e.csv", "nothing/refused/e.csv.txt",
	"orders/done/a.csv", "orders/done/same as a.csv",
	"orders/sometimes/refused/d.csv", "orders/sometimes/refused/d.csv.txt",
	"orders/upsert=id/done/a.csv", "orders/upsert=id/done/b.csv", "orders/upsert=id/done/c.csv",
}

func (w *dropWorld) states() map[job.State]int {
	states := map[job.State]int{}
	all, _, err := w.jobs.List(w.t.Context(), owner, "", "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, j := range all {
		states[j.State]++
	}
	return states
}

func TestWhatIsDroppedIsLoadedOnceAndInOrderAfterAnyMisfortune(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]misfortune{"refused": refuse, "throttled": throttle, "answer lost": lose, "killed before": dieBefore, "killed after": dieAfter} {
		t.Run(name, func(t *testing.T) {
			for call := 0; ; call++ {
				w := newDropWorld(t)
				w.plan(call, what)
				survives(w.serve)
				met := w.happened[what] > 0
				w.off()
				w.serve()
				if diff := cmp.Diff(wantOrders, w.rows()); diff != "" {
					t.Errorf("call %d: rows (-want +got):\n%s", call, diff)
				}
				if diff := cmp.Diff(settledFolder, w.files()); diff != "" {
					t.Errorf("call %d: files (-want +got):\n%s", call, diff)
				}
				if diff := cmp.Diff(map[job.State]int{job.Done: 5, job.Failed: 2}, w.states()); diff != "" {
					t.Errorf("call %d: jobs (-want +got):\n%s", call, diff)
				}
				if t.Failed() || !met {
					return
				}
			}
		})
	}
}
