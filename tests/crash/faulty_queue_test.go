package crash

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/queue"
)

type faultyQueue struct {
	queue.Queue
	*injector
}

func (f faultyQueue) Send(ctx context.Context, body []byte, delay time.Duration) (id string, err error) {
	err = f.call(func() error { id, err = f.Queue.Send(ctx, body, delay); return err })
	return id, err
}

func (f faultyQueue) Receive(ctx context.Context, limit int, visibility, wait time.Duration) (got []queue.Message, err error) {
	err = f.call(func() error { got, err = f.Queue.Receive(ctx, limit, visibility, wait); return err })
	return got, err
}

func (f faultyQueue) Ack(ctx context.Context, receipt string) error {
	return f.call(func() error { return f.Queue.Ack(ctx, receipt) })
}
