// Package worker does the jobs. A message of the queue says that there is work and not
// which: the table holds that, and so a message may come late, twice or never.
package worker

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/queue"
)

// A received hint is acknowledged before the work begins, since what is left undone is
// in the table; so it need not stay hidden for longer than that takes.
const (
	hints      = 10
	visibility = time.Minute
)

// Follow lets a worker work on each hint, and now and then without one, until ctx ends.
func Follow(ctx context.Context, w *job.Worker, q queue.Queue, every time.Duration, log *slog.Logger) {
	for ctx.Err() == nil {
		if err := turn(ctx, w, q, every); err != nil && ctx.Err() == nil {
			log.Error("worker", "error", err)
			pause(ctx, time.Second)
		}
	}
}

// turn waits for a hint and works.
func turn(ctx context.Context, w *job.Worker, q queue.Queue, every time.Duration) error {
	received, err := q.Receive(ctx, hints, visibility, every)
	if err != nil {
		return err
	}
	var acks errgroup.Group
	for _, m := range received {
		acks.Go(func() error { return q.Ack(ctx, m.Receipt) })
	}
	if err := acks.Wait(); err != nil {
		return err
	}
	_, err = w.Work(ctx)
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Beats are a run's heartbeats by the real clock.
func Beats(every time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(every)
	return t.C, t.Stop
}
