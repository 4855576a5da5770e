// Package queue is the port for work that is done at least once: visibility
// timeout, delay, a failure queue after some tries, redrive. Package queuetest
// holds the suite that every implementation passes.
package queue

import (
	"context"
	"time"
)

// MaxBody is the size limit of a message in bytes.
const MaxBody = 250 << 10

// MaxDelay is the longest delay of a message.
const MaxDelay = 15 * time.Minute

// Message is a received message.
type Message struct {
	ID      string
	Body    []byte
	Tries   int    // how often it has been received, this time included
	Receipt string // of this reception: for Ack, Extend and Release
}

// Queue holds messages until they are acknowledged.
type Queue interface {
	// Send stores a message, to be received after delay at the earliest.
	Send(ctx context.Context, body []byte, delay time.Duration) (id string, err error)

	// Receive takes up to limit (at most 10) messages and hides them for the
	// visibility timeout; it waits up to wait for the first.
	Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]Message, error)

	// Ack removes a message. A receipt that has been superseded is fine.
	Ack(ctx context.Context, receipt string) error

	// Extend hides a message for visibility from now on. Zero releases it at once.
	Extend(ctx context.Context, receipt string, visibility time.Duration) error

	// Failed lists up to limit messages that were received too often.
	Failed(ctx context.Context, limit int) ([]Message, error)

	// Redrive moves all failed messages back and returns how many.
	Redrive(ctx context.Context) (int, error)
}
