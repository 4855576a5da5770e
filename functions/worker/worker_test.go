package worker

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

type runner func()

func (r runner) Run(context.Context, job.Job, job.Checkpointer) (any, error) { r(); return nil, nil }

// flaky is a table whose first list fails.
type flaky struct {
	table.Table
	once *sync.Once
}

func (f flaky) List(ctx context.Context, q table.Query) (page table.Page, err error) {
	f.once.Do(func() { err = fault.New(fault.Unavailable, "down", "down") })
	if err != nil {
		return table.Page{}, err
	}
	return f.Table.List(ctx, q)
}

func TestAWorkerFollowsHintsAndTheClockUntilItIsStopped(t *testing.T) {
	for name, c := range map[string]struct {
		every time.Duration
		hint  bool // false: it is lost
		fails bool
	}{
		"a hint":                     {every: time.Hour, hint: true},
		"the clock, when it is lost": {every: time.Millisecond},
		"the clock, after an error":  {every: time.Millisecond, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, lost := &fake.Queue{Now: time.Now, Tries: 5}, &fake.Queue{Now: time.Now, Tries: 5}
			jobs := job.Jobs{Table: &fake.Table{Now: time.Now}, Queue: lost, Now: time.Now}
			if c.hint {
				jobs.Queue = q
			}
			done := make(chan struct{})
			ctx, stop := context.WithCancel(t.Context())
			w := &job.Worker{Jobs: jobs, Runners: map[job.Kind]job.Runner{"test": runner(func() { close(done) })},
				Random: func(int) int { return 0 }, Log: slog.New(slog.DiscardHandler), Beats: Beats}
			if c.fails {
				w.Jobs.Table = flaky{jobs.Table, &sync.Once{}}
			}
			if _, err := jobs.Submit(ctx, "main", job.Spec{Kind: "test", Request: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { Follow(ctx, w, q, c.every, slog.New(slog.DiscardHandler)); close(ended) }()
			<-done
			stop()
			<-ended
		})
	}
}
