// Package queuetest holds the promises that every queue.Queue keeps.
package queuetest

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/queue"
)

// Fixture is a queue under test: empty, and used by one test only.
type Fixture struct {
	Queue queue.Queue
	Tries int // after so many receptions a message has failed; at least 2

	// Advance moves the queue's clock forward. Nil: the clock is the real one, and
	// the tests wait for it.
	Advance func(time.Duration)
}

const (
	long     = 30 * time.Second // a visibility that no test outlives
	short    = 2 * time.Second  // one that it does
	patience = 60 * time.Second // bounds the wait for what a service does in its own time
)

// Run tests the queue that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	for _, group := range []map[string]func(*testing.T, Fixture){messages, times, failures} {
		for claim, test := range group {
			t.Run(claim, func(t *testing.T) {
				f := open(t)
				if f.Advance == nil {
					t.Parallel() // most of it is waiting
				}
				test(t, f)
			})
		}
	}
}

func send(t testing.TB, f Fixture, body string) string {
	t.Helper()
	id, err := f.Queue.Send(t.Context(), []byte(body), 0)
	if err != nil || id == "" {
		t.Fatalf("Send = %q, %v", id, err)
	}
	return id
}

// receive takes one message, which must be there or come without a move of the clock.
func receive(t testing.TB, f Fixture, visibility time.Duration) queue.Message {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got := take(t, f, 1, visibility, time.Second); len(got) == 1 {
			return got[0]
		}
	}
	t.Fatal("no message to receive")
	return queue.Message{}
}

// nothing fails if there is a message to receive.
func nothing(t testing.TB, f Fixture) {
	t.Helper()
	if got := take(t, f, 10, long, 0); len(got) > 0 {
		t.Errorf("received %q, want nothing", got[0].Body)
	}
}

func take(t testing.TB, f Fixture, limit int, visibility, wait time.Duration) []queue.Message {
	t.Helper()
	got, err := f.Queue.Receive(t.Context(), limit, visibility, wait)
	if err != nil || len(got) > limit {
		t.Fatalf("Receive(limit %d) = %d messages, %v", limit, len(got), err)
	}
	return got
}

func ack(t testing.TB, f Fixture, receipt string) {
	t.Helper()
	if err := f.Queue.Ack(t.Context(), receipt); err != nil {
		t.Fatalf("Ack: %v", err)
	}
}

func extend(t testing.TB, f Fixture, receipt string, visibility time.Duration) {
	t.Helper()
	if err := f.Queue.Extend(t.Context(), receipt, visibility); err != nil {
		t.Fatalf("Extend: %v", err)
	}
}

// pass lets time pass, by the queue's clock.
func (f Fixture) pass(d time.Duration) {
	if f.Advance != nil {
		f.Advance(d)
		return
	}
	time.Sleep(d)
}
