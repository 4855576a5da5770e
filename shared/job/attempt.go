package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Runner does the jobs of one kind.
type Runner interface {
	// Run does a job, from its checkpoint on, in steps: after each it calls Save, and
	// returns the error of that if there is one. What a step does must come out the
	// same when it is done again, for a worker may die before it saves. The result is
	// stored as JSON. A fault that another try cannot mend ends the job (Invalid,
	// Unauthenticated, Denied, NotFound, TooLarge); after others it is tried again.
	Run(ctx context.Context, j Job, at Checkpointer) (result any, err error)
}

// Checkpointer is how a Runner tells how far it has come.
type Checkpointer interface {
	// Save stores a checkpoint, as JSON, from which any worker can go on. It fails when
	// the job is no longer this run's, when the run's time is up, or when the job has
	// taken too long; the Runner then returns that error.
	Save(ctx context.Context, checkpoint any, p Progress) error

	// Report notes progress within a step. It is stored with the next heartbeat.
	Report(p Progress)

	// Logf adds a line to the job's log, with the next heartbeat.
	Logf(format string, args ...any)
}

var (
	errLost  = errors.New("the job is no longer this run's")
	errYield = errors.New("the run's time is up")
)

// attempt is one run of a job: its claim, and what it has to tell.
type attempt struct {
	jobs  Jobs
	lease time.Duration
	until time.Time               // then others have their turn
	stop  context.CancelCauseFunc // ends the run

	mu       sync.Mutex
	job      Job // as it is stored
	progress Progress
	lines    []Line
}

// Save implements Checkpointer.
func (a *attempt) Save(ctx context.Context, checkpoint any, p Progress) error {
	text, err := json.Marshal(checkpoint)
	if err != nil {
		return fmt.Errorf("checkpoint of job %s: %w", a.job.ID, err)
	}
	if len(text) > MaxCheckpoint {
		return fmt.Errorf("checkpoint of job %s has %d bytes", a.job.ID, len(text))
	}
	a.Report(p)
	j, err := a.beat(ctx, func(j Job) Job { j.Checkpoint, j.Tries = text, 0; return j })
	switch now := a.jobs.now(); {
	case err != nil:
		return err
	case j.overdue(now):
		return errOverdue
	case !now.Before(a.until):
		return errYield
	}
	return nil
}

// Report implements Checkpointer.
func (a *attempt) Report(p Progress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.progress = p
}

// Logf implements Checkpointer.
func (a *attempt) Logf(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines = append(a.lines, newLine(a.jobs.now(), format, args...))
	a.lines = a.lines[max(0, len(a.lines)-MaxLines):]
}

// beat stores what the run has to tell, and claims the job for another while.
func (a *attempt) beat(ctx context.Context, and func(Job) Job) (Job, error) {
	return a.write(ctx, func(j Job) Job { j.Lease = a.jobs.now().Add(a.lease); return and(j) })
}

// write changes the job while it is this run's. Since nobody else changes it then,
// what is found to have moved on is either our own write, of which the answer was
// lost, or not ours any more.
func (a *attempt) write(ctx context.Context, next func(Job) Job) (Job, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var err error
	for range collisions {
		if err = a.once(ctx, next); err == nil {
			return a.job, nil
		}
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
			return Job{}, err
		}
		now, again := a.jobs.load(ctx, a.job.Tenant, a.job.ID)
		if again != nil {
			return Job{}, again
		}
		if now.State != Running || now.Run != a.job.Run {
			a.stop(errLost)
			return Job{}, errLost
		}
		now.Request, now.Pinned = a.job.Request, a.job.Pinned
		a.job = now
	}
	return Job{}, err
}

func (a *attempt) once(ctx context.Context, next func(Job) Job) error {
	j := a.job
	j.Progress = a.progress
	more, err := a.jobs.append(ctx, j, a.lines)
	if err != nil {
		return err
	}
	j = next(j)
	if j.State == Queued && j.Due.IsZero() { // others may take it
		more = append(more, a.jobs.rings(j.Tenant))
	}
	stored, err := a.jobs.change(ctx, a.job, j, more...)
	if err != nil {
		return err
	}
	a.job, a.lines = stored, nil
	return nil
}
