package crash

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/gate"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// exportWorld is one export, the services that survive, and a worker that may not.
type exportWorld struct {
	t   *testing.T
	now time.Time
	injector
	calls int // of ports, by the worker

	table   *fake.Table
	queue   *fake.Queue
	blobs   *fake.Blobs
	jobs    job.Jobs
	names   saved.Store
	worker  *job.Worker
	spec    job.Spec
	defined int  // how often names were defined anew
	steady  bool // nothing is defined anew after the export is ordered
}

// rowsOf is an engine.Reader of rows that are numbers, and of answers that tell the
// plan.
type rowsOf struct{ engine.Engine }

func (rowsOf) Read(_ context.Context, _ query.RowsPlan, from segment.Ref, begin, end int64, each engine.Each) error {
	for n := begin; n < end; n++ {
		if n%7 == 3 {
			continue // filtered out
		}
		if err := each([]query.Value{query.TextValue(from.Key), query.IntValue(n)}); err != nil {
			return err
		}
	}
	return nil
}

func (rowsOf) Stream(_ context.Context, plan query.Plan, _ snapshot.Snapshot, each engine.Each) error {
	asked := fmt.Sprintf("%x", sha256.Sum256([]byte(query.Key(plan))))[:8]
	for n := range int64(100) {
		if err := each([]query.Value{query.TextValue(asked), query.IntValue(n)}); err != nil {
			return err
		}
	}
	return nil
}

type pinnedSource struct{}

func (pinnedSource) Open(context.Context, tenant.ID, dataset.Name, snapshot.Position) (snapshot.Snapshot, error) {
	st := manifest.State{Format: 1, Version: 7, Schema: dataset.Schema{Columns: []dataset.Column{{Name: "n", Type: dataset.Int}}}}
	for i, rows := range []int64{25, 0, 40} {
		st.Segments = append(st.Segments, segment.Ref{Key: fmt.Sprintf("s%d", i), Kind: segment.Rows, Rows: rows})
	}
	return snapshot.OfState(dataset.Dataset{ID: "d1", Name: "web", Kind: dataset.Events}, st), nil
}

func newExportWorld(t *testing.T, body string) *exportWorld {
	w := &exportWorld{t: t, now: time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)}
	w.injector = injector{countdown: -1, happened: map[misfortune]int{}, after: func() {}, aside: w.overtaken}
	clock := func() time.Time { return w.now }
	w.table, w.queue, w.blobs = &fake.Table{Now: clock}, &fake.Queue{Now: clock, Tries: 5}, &fake.Blobs{Now: clock}
	ids := 0
	w.jobs = job.Jobs{Table: w.table, Queue: w.queue, Now: clock, NewID: func() string { ids++; return fmt.Sprintf("%012d", ids) }}
	w.names = saved.Store{Table: w.table, Now: clock}
	w.define()
	spec, err := export.Decode([]byte(body), "key:1")
	if err != nil {
		t.Fatal(err)
	}
	if w.spec, err = export.Prepare(t.Context(), gate.New(pinnedSource{}, w.table, clock), w.names, nil, access.Principal{Tenant: "main", ID: "key:1", Role: access.Analyst}, spec); err != nil {
		t.Fatal(err)
	}
	w.worker = w.newWorker()
	return w
}

func (w *exportWorld) newWorker() *job.Worker {
	jobs := w.jobs
	jobs.Table, jobs.Queue = faultyTable{w.table, &w.injector}, faultyQueue{w.queue, &w.injector}
	runner := export.Runner{Source: pinnedSource{}, Engine: rowsOf{}, Blobs: faultyBlobs{w.blobs, &w.injector}, Folder: w.t.TempDir(), ChunkRows: 10, PartBytes: 150}
	return &job.Worker{Jobs: jobs, Runners: map[job.Kind]job.Runner{export.Kind: runner}, Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler)}
}

// redefine gives names another meaning while the export is on its way.
func (w *exportWorld) redefine() {
	if !w.steady {
		w.define()
	}
}

// define gives names that an export uses another meaning than before.
func (w *exportWorld) define() {
	w.defined++
	over, err := pinnedSource{}.Open(w.t.Context(), "main", "web", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, body := range map[string]string{
		"income": `{"measure":{"op":"sum","column":"n","filter":{"column":"n","op":">","value":%d}}}`,
		"buyers": `{"query":{"kind":"audience","where":{"column":"n","op":"=","value":%d}}}`,
	} {
		if _, err := w.names.Put(w.t.Context(), "main", over.Dataset, over.Schema, name, fmt.Appendf(nil, body, w.defined)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// overtaken lets the worker at hand be taken for dead, and another one do its job.
func (w *exportWorld) overtaken() {
	w.now = w.now.Add(2 * time.Minute)
	if _, err := w.newWorker().Work(w.t.Context()); err != nil {
		w.t.Errorf("the other worker: %v", err)
	}
}

// run does the export, whatever happens to its first worker, and returns the file.
func (w *exportWorld) run() (file string, result export.Result) {
	j, err := w.jobs.Submit(w.t.Context(), "main", w.spec)
	if err != nil {
		w.t.Fatal(err)
	}
	w.redefine()
	before := w.countdown
	survives(func() { _, _ = w.worker.Work(w.t.Context()) }) // the next one makes up for it
	w.calls = before - w.countdown
	w.off()
	w.redefine()
	for range 10 {
		w.now = w.now.Add(2 * time.Minute)
		if _, err := w.newWorker().Work(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	if j, err = w.jobs.Get(w.t.Context(), "main", j.ID); err != nil || j.State != job.Done {
		w.t.Fatalf("%v: %s %+v", err, j.State, j.Error)
	}
	if err := json.Unmarshal(j.Result, &result); err != nil {
		w.t.Fatal(err)
	}
	body, err := w.blobs.Get(w.t.Context(), result.Key, 0, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	result.Key = ""
	return string(text), result
}

// TestAnExportEndsInTheSameFileWhateverHappensAtAnyStep goes through every call that
// an export makes and has each kind of misfortune happen there.
func TestAnExportEndsInTheSameFileWhateverHappensAtAnyStep(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"rows":    `{"dataset":"web","columns":["event","n"],"format":"csv"}`,
		"a query": `{"query":{"dataset":"web","measures":["count"],"dimensions":["event"]},"format":"ndjson"}`,
		"names":   `{"query":{"dataset":"web","measures":["income"],"dimensions":["event"],"filter":{"audience":"buyers"}},"format":"csv"}`,
		"parquet": `{"dataset":"web","columns":["event","n"],"format":"parquet"}`,
		"xlsx":    `{"dataset":"web","columns":["event","n"],"format":"xlsx"}`,
	} {
		t.Run(name, func(t *testing.T) {
			calm := newExportWorld(t, body)
			calm.plan(1<<30, none)
			calm.steady = true
			want, result := calm.run()
			if name == "rows" && (result.Rows != 55 || strings.Count(want, "\n") != 56) {
				t.Fatalf("%+v: %s", result, want)
			}
			if calm.calls < 20 {
				t.Fatalf("only %d calls: this proves little", calm.calls)
			}
			for at := range calm.calls {
				for _, what := range []misfortune{refuse, throttle, lose, dieBefore, dieAfter, detour} {
					w := newExportWorld(t, body)
					w.plan(at, what)
					file, got := w.run()
					if diff := cmp.Diff(result, got); diff != "" || file != want {
						t.Fatalf("misfortune %d at call %d: another file; result (-want +got):\n%s", what, at, diff)
					}
				}
			}
			t.Logf("%d calls", calm.calls)
		})
	}
}
