package fake

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/queue"
)

// Queue is a queue.Queue in memory.
type Queue struct {
	Now      func() time.Time
	Tries    int // after so many receptions a message has failed
	mu       sync.Mutex
	messages []*waiting // in the order in which they were sent
	last     int
	wake     chan struct{}
}

type waiting struct {
	queue.Message
	visible    time.Time
	receptions int // redrives included, so that no two receipts are the same
}

var _ queue.Queue = (*Queue)(nil)

// Send implements queue.Queue.
func (q *Queue) Send(ctx context.Context, body []byte, delay time.Duration) (string, error) {
	if len(body) > queue.MaxBody || delay < 0 || delay > queue.MaxDelay {
		return "", fault.New(fault.Invalid, "bad_message", "too large a message, or too long a delay")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	id := strconv.Itoa(q.last)
	q.messages = append(q.messages, &waiting{Message: queue.Message{ID: id, Body: bytes.Clone(body)}, visible: q.Now().Add(delay)})
	q.rouse()
	return id, ctx.Err()
}

// Receive implements queue.Queue. The oldest messages come first.
func (q *Queue) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		got, wake := q.take(limit, visibility)
		if len(got) > 0 || wait <= 0 {
			return got, ctx.Err()
		}
		select {
		case <-wake:
		case <-timeout.C:
			return nil, ctx.Err()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *Queue) take(limit int, visibility time.Duration) (got []queue.Message, wake <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if len(got) == limit || len(got) == 10 {
			break
		}
		if m.Tries >= q.Tries || m.visible.After(q.Now()) {
			continue
		}
		m.Tries++
		m.receptions++
		m.Receipt = m.ID + "." + strconv.Itoa(m.receptions)
		m.visible = q.Now().Add(visibility)
		got = append(got, m.Message)
	}
	if q.wake == nil {
		q.wake = make(chan struct{})
	}
	return got, q.wake
}

// Ack implements queue.Queue.
func (q *Queue) Ack(ctx context.Context, receipt string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range q.messages {
		if m.Receipt == receipt {
			q.messages = append(q.messages[:i:i], q.messages[i+1:]...)
			break
		}
	}
	return ctx.Err()
}

// Extend implements queue.Queue.
func (q *Queue) Extend(ctx context.Context, receipt string, visibility time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m.Receipt == receipt {
			m.visible = q.Now().Add(visibility)
			q.rouse()
			return ctx.Err()
		}
	}
	return fault.New(fault.Conflict, "receipt_superseded", "the message is no longer yours")
}

// Failed implements queue.Queue.
func (q *Queue) Failed(ctx context.Context, limit int) (failed []queue.Message, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if q.failed(m) && len(failed) < limit {
			failed = append(failed, m.Message)
		}
	}
	return failed, ctx.Err()
}

// Redrive implements queue.Queue.
func (q *Queue) Redrive(ctx context.Context) (moved int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if q.failed(m) {
			m.Tries = 0
			moved++
		}
	}
	q.rouse()
	return moved, ctx.Err()
}

func (q *Queue) failed(m *waiting) bool { return m.Tries >= q.Tries && !m.visible.After(q.Now()) }

func (q *Queue) rouse() {
	if q.wake != nil {
		close(q.wake)
		q.wake = nil
	}
}
