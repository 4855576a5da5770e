package serve

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// Work does what there is to do and returns how many runs that were.
type Work func(ctx context.Context) (runs int, err error)

// Hints serves messages of a queue, and events of a clock, that say no more than that
// there is work, and never returns. A failure leaves the messages in the queue.
func Hints(work Work) {
	start(hinted{work: work, log: Logger(), now: time.Now}.event, nil)
}

type hinted struct {
	work Work
	log  *slog.Logger
	now  func() time.Time
}

// event works whatever the event holds, and writes the one line of it.
func (h hinted) event(ctx context.Context, _ json.RawMessage) error {
	began := h.now()
	ctx, cancel := withMargin(ctx)
	defer cancel()
	runs, err := h.work(ctx)
	attrs := []any{"runs", runs, "ms", h.now().Sub(began).Milliseconds()}
	if err != nil {
		h.log.ErrorContext(ctx, "work", append(attrs, "error", err.Error())...)
		return err
	}
	h.log.InfoContext(ctx, "work", attrs...)
	return nil
}
