package job_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner tenant.ID = "main"

// world is a store of jobs and a worker whose jobs do what do says.
type world struct {
	testing.TB
	jobs   job.Jobs
	queue  *fake.Queue
	worker *job.Worker
	now    time.Time
	do     func(ctx context.Context, j job.Job, at job.Checkpointer) (any, error)
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, now: time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)}
	w.do = func(context.Context, job.Job, job.Checkpointer) (any, error) { return "well", nil }
	clock := func() time.Time { return w.now }
	ids := 0
	w.queue = &fake.Queue{Now: clock, Tries: 5}
	w.jobs = job.Jobs{Table: &fake.Table{Now: clock}, Queue: w.queue, Now: clock, NewID: func() string { ids++; return fmt.Sprintf("%06d", ids) }}
	w.worker = w.newWorker()
	return w
}

func (w *world) newWorker() *job.Worker {
	return &job.Worker{Jobs: w.jobs, Runners: map[job.Kind]job.Runner{"test": w}, Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler)}
}

// Run implements job.Runner.
func (w *world) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	return w.do(ctx, j, at)
}

func (w *world) submit(spec job.Spec) job.Job {
	w.Helper()
	if spec.Kind == "" {
		spec.Kind = "test"
	}
	if spec.Request == nil {
		spec.Request = json.RawMessage(`{}`)
	}
	j, err := w.jobs.Submit(w.Context(), owner, spec)
	if err != nil {
		w.Fatal(err)
	}
	return j
}

// work lets the worker do what is due, and returns the number of runs.
func (w *world) work() int {
	w.Helper()
	runs, err := w.worker.Work(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return runs
}

func (w *world) get(id job.ID) job.Job {
	w.Helper()
	j, err := w.jobs.Get(w.Context(), owner, id)
	if err != nil {
		w.Fatal(err)
	}
	return j
}

// inState fails unless the job is in a state.
func (w *world) inState(id job.ID, want job.State) job.Job {
	w.Helper()
	j := w.get(id)
	if j.State != want {
		w.Fatalf("the job is %s (%+v), want %s", j.State, j.Error, want)
	}
	return j
}
