package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Worker does jobs, one at a time. Several do not know of each other.
type Worker struct {
	Jobs    Jobs
	Runners map[Kind]Runner
	Random  func(n int) int // 0 to n-1
	Log     *slog.Logger

	Lease time.Duration // how long a silent worker is believed alive; zero: a minute
	Slice time.Duration // of a run, after which others have their turn; zero: a minute
	// Beats tells a run when to be heard of; nil: only when it saves.
	Beats func(every time.Duration) (beats <-chan time.Time, stop func())

	last   tenant.ID // who had the last turn
	tended time.Time
}

func (w *Worker) lease() time.Duration { return orMinute(w.Lease) }

func orMinute(d time.Duration) time.Duration {
	if d == 0 {
		return time.Minute
	}
	return d
}

// tendEvery is how often a worker that is busy looks for jobs whose time has come.
const tendEvery = time.Second

// reserve of a deadline is kept to store how a run ended.
const reserve = 5 * time.Second

// Work does jobs until none is due or ctx has no time for another, and returns how many
// runs it made. Work that is left when the time is up is announced to the others.
func (w *Worker) Work(ctx context.Context) (runs int, err error) {
	w.tended = time.Time{} // the hint may be of a job whose time has come
	for ; ctx.Err() == nil; runs++ {
		if w.late(ctx) {
			w.Jobs.hint(ctx, 0)
			return runs, nil
		}
		if now := w.Jobs.now(); now.Sub(w.tended) >= tendEvery {
			if err := w.tend(ctx); err != nil {
				return runs, err
			}
			w.tended = now
		}
		j, ok, err := w.pick(ctx)
		if err != nil || !ok {
			return runs, err
		}
		if err := w.run(ctx, j); err != nil {
			return runs, err
		}
	}
	return runs, nil
}

// late reports whether too little time is left to begin a run.
func (w *Worker) late(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return has && time.Until(deadline) < 3*reserve
}

// run does one job for a slice of time and stores how that ended.
func (w *Worker) run(ctx context.Context, j Job) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &attempt{jobs: w.Jobs, lease: w.lease(), until: w.until(ctx), stop: stop, job: j, progress: j.Progress}
	quiet := w.heartbeat(running, a)
	result, err := w.guarded(running, a)
	quiet()
	return w.settle(ctx, running, a, result, err)
}

func (w *Worker) until(ctx context.Context) time.Time {
	until := w.Jobs.now().Add(orMinute(w.Slice))
	if deadline, has := ctx.Deadline(); has && deadline.Add(-reserve).Before(until) {
		return deadline.Add(-reserve)
	}
	return until
}

// heartbeat lets the run be heard of until the function that it returns is called.
func (w *Worker) heartbeat(ctx context.Context, a *attempt) (quiet func()) {
	if w.Beats == nil {
		return func() {}
	}
	beats, stopBeats := w.Beats(w.lease() / 4)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-beats:
				j, err := a.beat(ctx, func(j Job) Job { return j })
				if err == nil && j.overdue(a.jobs.now()) {
					a.stop(errOverdue)
				} // a beat that failed for a moment is made up for by the next
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended; stopBeats() }
}

// guarded runs the job's Runner. A panic of it is the job's failure, not the worker's.
func (w *Worker) guarded(ctx context.Context, a *attempt) (result any, err error) {
	j := a.job
	runner, ok := w.Runners[j.Kind]
	if !ok {
		return nil, fault.New(fault.Unavailable, "unknown_kind", "this worker does not know jobs of kind %.40q", string(j.Kind))
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if j.overdue(w.Jobs.now()) {
		return nil, errOverdue
	}
	return runner.Run(ctx, j, a)
}

// settle stores how a run ended. Its error is the worker's own: of a job that failed
// there is none.
func (w *Worker) settle(parent, running context.Context, a *attempt, result any, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), reserve)
	defer cancel()
	if cause := context.Cause(running); failure != nil && (cause == errLost || cause == errOverdue) {
		failure = cause
	}
	next := func(j Job) Job { return j.ready() }
	switch {
	case errors.Is(failure, errLost):
		return nil
	case errors.Is(failure, errYield), failure != nil && errors.Is(parent.Err(), context.Canceled): // its turn is over; or the process ends
	case failure != nil:
		next = w.failed(a, failure)
	default:
		text, err := json.Marshal(result)
		if err == nil && len(text) > MaxResult {
			err = fmt.Errorf("a result of %d bytes", len(text))
		}
		if err != nil {
			next = w.failed(a, err)
			break
		}
		next = func(j Job) Job { j.Result, j.Error = text, nil; return j.ended(Done, w.Jobs.now()) }
	}
	j, err := a.write(ctx, next)
	switch {
	case errors.Is(err, errLost):
		return nil
	case err == nil && j.State == Queued:
		w.Jobs.hint(ctx, max(0, j.Due.Sub(w.Jobs.now())))
	}
	return err
}

// failed tells of a failure, to the job's owner and to the operator.
func (w *Worker) failed(a *attempt, failure error) func(Job) Job {
	j := a.job
	w.Log.Error("job", "tenant", string(j.Tenant), "job", string(j.ID), "kind", string(j.Kind), "run", j.Runs, "error", failure.Error())
	a.Logf("run %d failed: %s", j.Runs, FailureOf(failure).Message)
	return func(j Job) Job { return j.failed(failure, w.Jobs.now()) }
}
