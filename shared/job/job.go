// Package job knows how everything slow is done: exports, loads, erasures, reports.
// A job is an item of the table, and the table alone says what state it is in; a
// message of the queue is no more than a hint that there is work. A worker claims a
// job for a while, does it in steps, and after each notes a checkpoint; whoever claims
// it next goes on from there. Every write of a worker holds only while its claim does,
// so that of two workers on one job one has an effect. docs/jobs.md says why.
package job

import (
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Limits of a job.
const (
	MaxRequest    = 256 << 10 // bytes, with what it pins
	MaxCheckpoint = 64 << 10  // bytes
	MaxResult     = 64 << 10  // bytes
	MaxKey        = 200       // bytes of an idempotency key
	MaxLines      = 200       // of a log; the oldest make room
	maxLine       = 500       // bytes of a line of the log
)

// Keep is how long a job is remembered after it was submitted, or tried again by hand.
const Keep = 30 * 24 * time.Hour

// What a Spec that says nothing gets.
const (
	defaultTries = 5
	defaultLimit = 24 * time.Hour
)

// ID names a job of a tenant. Later jobs have greater ids.
type ID string

// Kind is what a job does. It names the Runner.
type Kind string

// State is where a job stands.
type State string

// The states. The last three are ends; Retry leads out of failed and cancelled.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// States lists them all.
var States = []State{Queued, Running, Done, Failed, Cancelled}

// Ended reports whether nothing more happens to a job by itself.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Priority is a head start in the line of a tenant's own jobs: one that was submitted
// later goes first if the head start outweighs it. So nothing waits for ever.
type Priority int8

// The priorities.
const (
	Background Priority = -1 // an hour behind
	Normal     Priority = 0
	Urgent     Priority = 1 // an hour ahead
)

const headStart = time.Hour

// Spec is what to do.
type Spec struct {
	Kind     Kind
	Dataset  dataset.Name    // that it concerns; may be empty
	By       string          // the principal who wants it
	Request  json.RawMessage // what the Runner is to do
	Pinned   json.RawMessage // what the request meant when it was submitted; of submissions with one key, the first one's
	Key      string          // of idempotency; empty: each submission is another job
	Priority Priority
	Tries    int           // in a row without a new checkpoint; zero: 5
	Limit    time.Duration // from its first start to its end; zero: a day
	Private  bool          // what it is to do is forgotten when it ends, however that is
}

// Job is one piece of work. Its zero Due means at once.
type Job struct {
	ID       ID              `json:"id"`
	Tenant   tenant.ID       `json:"tenant"`
	Kind     Kind            `json:"kind"`
	Dataset  dataset.Name    `json:"dataset,omitempty"`
	By       string          `json:"by,omitempty"`
	Request  json.RawMessage `json:"-"` // with Pinned an item of its own: they never change
	Pinned   json.RawMessage `json:"-"`
	Priority Priority        `json:"priority,omitempty"`
	MaxTries int             `json:"max_tries"`
	Private  bool            `json:"private,omitempty"` // the request is forgotten at the end
	Limit    time.Duration   `json:"limit"`

	State      State           `json:"state"`
	Revision   int64           `json:"revision"` // counts its writes
	Run        string          `json:"run,omitempty"`
	Lease      time.Time       `json:"lease,omitzero"` // of the run: who has not written by then is taken for dead
	Due        time.Time       `json:"due,omitzero"`
	Tries      int             `json:"tries,omitempty"` // that failed since the last checkpoint
	Runs       int             `json:"runs,omitempty"`  // all claims
	Progress   Progress        `json:"progress,omitzero"`
	Checkpoint json.RawMessage `json:"checkpoint,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      *Failure        `json:"error,omitempty"` // the last one

	Submitted time.Time `json:"submitted"`
	Started   time.Time `json:"started,omitzero"` // first, or after a Retry
	Began     Began     `json:"began,omitzero"`
	Updated   time.Time `json:"updated"`
	Ended     time.Time `json:"ended,omitzero"`
	Expires   time.Time `json:"expires"`

	key   string // of idempotency, hashed
	stamp string // of the write that made it
}

// Progress is how far a job has come, in units that its kind chooses.
type Progress struct {
	Done  int64 `json:"done,omitempty"`
	Total int64 `json:"total,omitempty"` // zero: not known
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
}

// Began is where a run began, for the rate of it.
type Began struct {
	At   time.Time `json:"at"`
	Done int64     `json:"done,omitempty"`
}

// Failure is why a job failed, as its owner may know it.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Share returns how much is done, from 0 to 1.
func (j Job) Share() float64 {
	switch {
	case j.State == Done:
		return 1
	case j.Progress.Total <= 0:
		return 0
	}
	return min(1, float64(j.Progress.Done)/float64(j.Progress.Total))
}

// Rate returns the units a second of the last run, zero where that is not known.
func (j Job) Rate() float64 {
	took := j.Updated.Sub(j.Began.At).Seconds()
	if j.Began.At.IsZero() || took <= 0 {
		return 0
	}
	return max(0, float64(j.Progress.Done-j.Began.Done)/took)
}

// Left estimates how long a running job will take; ok is false where nobody can say.
func (j Job) Left() (left time.Duration, ok bool) {
	rate := j.Rate()
	if j.State != Running || rate == 0 || j.Progress.Total < j.Progress.Done {
		return 0, false
	}
	return time.Duration(float64(j.Progress.Total-j.Progress.Done) / rate * float64(time.Second)), true
}

// turn places a job that is due in its tenant's line.
func (j Job) turn() time.Time { return j.Submitted.Add(-time.Duration(j.Priority) * headStart) }

// overdue reports whether the job has been at it for longer than it may.
func (j Job) overdue(now time.Time) bool {
	return !j.Started.IsZero() && now.Sub(j.Started) > j.Limit
}

// FailureOf tells an error to the job's owner. Of an internal one it tells nothing.
func FailureOf(err error) *Failure {
	if e, ok := known(err); ok {
		return &Failure{Code: e.Code, Message: e.Message, Hint: e.Hint}
	}
	if fault.Is(err, fault.Unavailable) {
		return &Failure{Code: "out_of_time", Message: "a step took longer than it may"}
	}
	return &Failure{Code: "internal", Message: "something went wrong on our side"}
}
