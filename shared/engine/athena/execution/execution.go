// Package execution is the port for a service that runs statements of SQL on its own
// time: they are started, looked at, and their answers fetched page by page. Athena is
// one.
package execution

import "context"

// ID names an execution.
type ID string

// State is how far an execution is.
type State string

// The states. Only the last three do not change any more.
const (
	Waiting   State = "waiting" // for its turn
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Over reports whether s is final.
func (s State) Over() bool { return s == Done || s == Failed || s == Cancelled }

// Execution is one run of a statement.
type Execution struct {
	State   State
	Reason  string // why it failed or was cancelled, for the log
	Limited bool   // it was cancelled because it read more bytes than the operator allows
	Greedy  bool   // it failed because it needed more memory or time than the service gives
	Scanned int64  // bytes read so far
}

// Page is some rows of an answer. A nil cell is null; every other value is text.
type Page struct {
	Rows [][]*string
	Next string // what to ask for the next page with; empty: this is the last
}

// Service runs statements.
type Service interface {
	// Start runs a statement. With the same turn it returns the execution that it
	// returned before, whatever became of it; a statement has as many executions as
	// turns. It may be repeated when its answer was lost.
	Start(ctx context.Context, statement, turn string) (ID, error)

	// Look returns an execution as it is now.
	Look(ctx context.Context, id ID) (Execution, error)

	// Fetch returns a page of the answer of an execution that is done, without the names
	// of its columns; an empty token asks for the first. An answer that is no longer kept
	// is fault.NotFound.
	Fetch(ctx context.Context, id ID, token string) (Page, error)

	// Stop ends an execution. One that is over stays as it is.
	Stop(ctx context.Context, id ID) error
}
