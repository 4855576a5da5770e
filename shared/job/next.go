package job

import (
	"errors"
	"hash/fnv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// What follows are the moves of a job, without any I/O.

// claimed returns j in the hands of a run.
func (j Job) claimed(run string, now time.Time, lease time.Duration) Job {
	j.State, j.Run, j.Lease, j.Due = Running, run, now.Add(lease), time.Time{}
	j.Runs++
	j.Began = Began{At: now, Done: j.Progress.Done}
	if j.Started.IsZero() {
		j.Started = now
	}
	return j
}

// ready returns j in its tenant's line.
func (j Job) ready() Job {
	j.State, j.Run, j.Lease, j.Due = Queued, "", time.Time{}, time.Time{}
	return j
}

// ended returns j at an end.
func (j Job) ended(as State, now time.Time) Job {
	j.State, j.Run, j.Lease, j.Due, j.Ended = as, "", time.Time{}, time.Time{}, now
	return j
}

// failed returns j after a run that failed: waiting for another try, or at its end.
func (j Job) failed(err error, now time.Time) Job {
	j.Error = FailureOf(err)
	j.Tries++
	if !again(err) || j.Tries >= j.MaxTries || j.overdue(now) {
		return j.ended(Failed, now)
	}
	j = j.ready()
	j.Due = now.Add(max(j.backoff(), asked(err)))
	return j
}

// vanished returns j after a run that was not heard of any more. The lease was wait
// enough.
func (j Job) vanished(now time.Time) Job {
	j = j.failed(errVanished, now)
	j.Due = time.Time{}
	return j
}

// tryAgain returns an ended job as it was before it was tried, but for its checkpoint.
func (j Job) tryAgain(now time.Time) Job {
	j = j.ready()
	j.Tries, j.Error, j.Result = 0, nil, nil
	j.Started, j.Ended, j.Expires = time.Time{}, time.Time{}, now.Add(Keep)
	return j
}

// The wait before another try: a second, doubled with each, and at most as long as a
// message can be delayed.
const (
	firstWait   = time.Second
	longestWait = 10 * time.Minute
)

// backoff returns how long the next try waits: half of the ceiling and a part of the
// other half that depends on the job, lest those that failed together come together.
func (j Job) backoff() time.Duration {
	ceiling := min(longestWait, firstWait<<min(max(0, j.Tries-1), 20))
	h := fnv.New32a()
	_, _ = h.Write([]byte(j.ID)) // never fails
	return ceiling/2 + time.Duration(h.Sum32()%1000)*ceiling/2000
}

// asked returns how long an error says that another try has to wait, if the wait is not
// longer than the longest.
func asked(err error) time.Duration {
	var e *fault.Error
	if !errors.As(err, &e) {
		return 0
	}
	return min(longestWait, e.RetryAfter)
}

// again reports whether an error leaves hope for another try.
func again(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unauthenticated, fault.Denied, fault.NotFound, fault.TooLarge:
		return false
	}
	return true
}

// known returns the fault that an error is, unless it is nobody's business.
func known(err error) (*fault.Error, bool) {
	var e *fault.Error
	return e, errors.As(err, &e) && e.Kind != fault.Internal
}

var (
	errVanished = fault.New(fault.Unavailable, "worker_vanished", "the worker was not heard of any more")
	errOverdue  = fault.New(fault.TooLarge, "time_limit", "the job took longer than it may").
			WithHint("ask for less, or try again: it goes on from where it came to")
)
