package ingest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
)

// The pause before a retry grows from the first to the last of these.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// put puts entries until all of them are stored or time is up.
func (p *Producer) put(ctx context.Context, entries []stream.Entry) (snapshot.Position, error) {
	patience := p.Patience
	if deadline, ok := ctx.Deadline(); ok { // by the clock of all contexts, not by Now
		patience = min(patience, time.Until(deadline)-p.Margin)
	}
	ends := p.Now().Add(patience)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reached := snapshot.Position{}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		left, err := p.try(ctx, entries, reached)
		if len(left) == 0 {
			return reached, nil
		}
		if kind := fault.KindOf(err); kind != fault.Unavailable && kind != fault.Throttled {
			return nil, err
		}
		wait := pause/2 + rand.N(pause/2) // #nosec G404 -- spreads retries; nothing is protected; so that those who failed together do not come back together
		if ctx.Err() != nil || p.Now().Add(wait).After(ends) {
			return nil, gaveUp(err)
		}
		p.Sleep(ctx, wait)
		entries = left
	}
}

// try puts each entry once. It returns those that are not known to be stored, in
// order, and the last error.
func (p *Producer) try(ctx context.Context, entries []stream.Entry, reached snapshot.Position) (left []stream.Entry, err error) {
	for len(entries) > 0 {
		n := callOf(entries)
		places, failed := p.Stream.Put(ctx, entries[:n])
		if failed != nil {
			return append(left, entries...), failed
		}
		for i, at := range places {
			if at.Err != nil {
				left, err = append(left, entries[i]), at.Err
				continue
			}
			reached.Raise(at.Shard, at.Sequence)
		}
		entries = entries[n:]
	}
	return left, err
}

// callOf returns how many of the entries fit into one Put.
func callOf(entries []stream.Entry) int {
	size := 0
	for i, e := range entries {
		size += len(e.Data)
		if i == stream.MaxPut || i > 0 && size > stream.MaxBytes {
			return i
		}
	}
	return len(entries)
}

func gaveUp(cause error) error {
	e := fault.New(fault.Unavailable, "stream_unavailable", "the events could not be stored in time")
	if fault.Is(cause, fault.Throttled) {
		e = fault.New(fault.Throttled, "stream_throttled", "more events come in than the stream takes")
	}
	e.RetryAfter = time.Second
	return e.WithHint("send the whole batch again: events with an event_id are not counted twice").Because(cause)
}
