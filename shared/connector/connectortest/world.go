// Package connectortest holds the promises that every source of a connector keeps, and a
// world in which connectors are synced.
package connectortest

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// Owner is the tenant of a World.
const Owner tenant.ID = "main"

// World is the ports as they are whatever becomes of a process.
type World struct {
	Table   fake.Table
	Blobs   fake.Blobs
	Secrets fake.Secrets
	Drivers connector.Drivers
	Rows    int // of a load

	now    time.Time
	queue  *fake.Queue
	strike int // the call of a port at which something happens; 0: at none
	what   func()
	calls  int
}

// NewWorld returns a World with some kinds of connectors.
func NewWorld(drivers connector.Drivers) *World {
	w := &World{Drivers: drivers, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.queue = &fake.Queue{Now: w.clock, Tries: 5}
	w.Table.Now = w.clock
	return w
}

func (w *World) clock() time.Time { return w.now }

// Store keeps the connectors.
func (w *World) Store() connector.Store {
	return connector.Store{Table: &w.Table, Secrets: &w.Secrets, Now: w.clock}
}

func (w *World) jobs() job.Jobs { return job.Jobs{Table: &w.Table, Queue: w.queue, Now: w.clock} }

// runner is a process's: its ports end it at the call that die is.
func (w *World) runner() connector.Runner {
	t := mortal{&w.Table, w}
	return connector.Runner{
		Store:   connector.Store{Table: t, Secrets: &w.Secrets, Now: w.clock},
		Catalog: dataset.Catalog{Table: t, Now: w.clock},
		Loader:  load.Loader{Manifest: manifest.Store{Table: t, Blobs: mortalBlobs{&w.Blobs, w}, Now: w.clock}},
		Drivers: w.Drivers, Rows: w.Rows,
	}
}

// Create makes a connector.
func (w *World) Create(t *testing.T, spec connector.Spec) connector.Connector {
	t.Helper()
	c, err := w.Store().Create(t.Context(), Owner, spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Sync syncs a connector and fails unless the job is done.
func (w *World) Sync(t *testing.T, c connector.Connector, full bool) job.Job {
	t.Helper()
	j := w.Try(t, c, full)
	if j.State != job.Done {
		t.Fatalf("the sync is %s: %+v", j.State, j.Error)
	}
	return j
}

// Try syncs a connector until the job ends.
func (w *World) Try(t *testing.T, c connector.Connector, full bool) job.Job {
	t.Helper()
	return w.Finish(t, w.Submit(t, c, full))
}

// Submit orders a sync.
func (w *World) Submit(t *testing.T, c connector.Connector, full bool) job.ID {
	t.Helper()
	spec, err := c.Submission("tester", full)
	if err != nil {
		t.Fatal(err)
	}
	j, err := w.jobs().Submit(t.Context(), Owner, spec)
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}

// Finish works until a job ends.
func (w *World) Finish(t *testing.T, id job.ID) job.Job {
	t.Helper()
	for range 50 {
		w.work(t)
		j, err := w.jobs().Get(t.Context(), Owner, id)
		if err != nil {
			t.Fatal(err)
		}
		if j.State.Ended() {
			return j
		}
		w.now = w.now.Add(15 * time.Minute)
	}
	t.Fatal("the sync does not end")
	return job.Job{}
}

// work lets a process work until it has nothing to do, or ends.
func (w *World) work(t *testing.T) {
	t.Helper()
	worker := &job.Worker{Jobs: w.jobs(), Runners: map[job.Kind]job.Runner{connector.Sync: w.runner()}, Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler)}
	if _, err := worker.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the process at its call number n of a port from now on, once, and returns how
// many calls there were since the last time.
func (w *World) Kill(n int) (calls int) { return w.At(n, func() { panic(death{}) }) }

// At does something in the midst of the process's call number n of a port from now on, once,
// and returns how many calls there were since the last time.
func (w *World) At(n int, do func()) (calls int) {
	calls, w.calls, w.strike, w.what = w.calls, 0, n, do
	return calls
}

// Struck reports whether what At or Kill are told has happened.
func (w *World) Struck() bool { return w.strike == 0 }

// Dataset returns a dataset.
func (w *World) Dataset(t *testing.T, name dataset.Name) dataset.Dataset {
	t.Helper()
	d, err := dataset.Catalog{Table: &w.Table, Now: w.clock}.Get(t.Context(), Owner, name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// State returns what a dataset holds.
func (w *World) State(t *testing.T, name dataset.Name) manifest.State {
	t.Helper()
	st, err := manifest.Store{Table: &w.Table, Blobs: &w.Blobs, Now: w.clock}.Load(t.Context(), Owner, w.Dataset(t, name).ID)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Each calls do with all rows of a dataset.
func (w *World) Each(t *testing.T, name dataset.Name, do func(rows.Batch)) {
	t.Helper()
	if d := w.Dataset(t, name); d.Kind != dataset.Table {
		t.Fatalf("dataset %s is of kind %s", name, d.Kind)
	}
	for _, ref := range w.State(t, name).Segments {
		if ref.Kind != segment.Rows {
			continue
		}
		batch, err := segment.NewCache(&w.Blobs, 0).ReadRows(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		do(batch)
	}
}

// Has returns the rows of a dataset, sorted as text.
func (w *World) Has(t *testing.T, name dataset.Name) []string {
	t.Helper()
	all := []string{}
	w.Each(t, name, func(batch rows.Batch) {
		for row := range batch.Len {
			all = append(all, sorted(t, batch.AppendJSON(nil, row)))
		}
	})
	slices.Sort(all)
	return all
}

// sorted writes a JSON object by the order of its members.
func sorted(t *testing.T, row []byte) string {
	t.Helper()
	var r map[string]any
	d := json.NewDecoder(bytes.NewReader(row))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%s: %v", row, err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Wants fails unless a job failed for a reason.
func Wants(t *testing.T, j job.Job, code string) {
	t.Helper()
	if j.State != job.Failed || j.Error == nil || j.Error.Code != code {
		t.Errorf("the sync is %s with %+v, want it failed with %s", j.State, j.Error, code)
	}
}

// death is what a process panics with that ends there.
type death struct{}

// step counts a call, which may be the last.
func (w *World) step() {
	w.calls++
	if w.strike > 0 && w.calls == w.strike {
		w.strike = 0
		w.what()
	}
}
