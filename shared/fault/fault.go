// Package fault names the kinds of errors that cross package borders. A Kind says
// what the receiver should do, a Code names the problem for machines, the message
// is for the caller and the cause for the log. The two tables that map kinds
// outward live in packages api (HTTP) and serve (consumers); nothing else knows
// status codes.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what the receiver of an error should do about it.
type Kind uint8

const (
	Internal        Kind = iota // our fault; the text never leaves the process
	Invalid                     // can never succeed as it is
	Unauthenticated             // nobody we know
	Denied                      // known, but may not
	NotFound                    // absent, or another tenant's
	Conflict                    // the state moved on: reread, then decide
	TooLarge                    // over a size limit, which the message names
	Throttled                   // later, the caller's rate is too high
	Unavailable                 // later, a dependency failed; the outcome of a write is unknown
)

var kinds = [...]string{"internal", "invalid", "unauthenticated", "denied", "not_found", "conflict", "too_large", "throttled", "unavailable"}

func (k Kind) String() string { return kinds[k] }

// Error is an error with a Kind. Make one with New or Wrap.
type Error struct {
	Kind       Kind
	Code       string        // stable, snake_case: "dataset_not_found"
	Message    string        // for the caller: what is wrong
	Hint       string        // for the caller: what to do next; may be empty
	RetryAfter time.Duration // for Throttled and Unavailable; zero means the default
	Cause      error         // for the log only
}

// New makes an error. The code is stable, the message is free to change.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives cause a kind. It returns nil for a nil cause.
func Wrap(kind Kind, code string, cause error) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Code: code, Message: code, Cause: cause}
}

// WithHint returns e with a sentence that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Because returns e with the cause that the log shall show.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// KindOf tells the kind of any error. A context that ended is Unavailable: the
// caller may try again. Everything unknown is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Unavailable
	}
	return Internal
}

// Is reports whether err has the kind. A nil error has none.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
