package tail

import (
	"context"
	"log/slog"
	"time"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

const (
	readRecords = 500
	maxBehind   = 4 // times the policy's bounds that a tail may grow to while the one before is being sealed
)

// Worker drives one shard where no event source does: it reads, folds, and seals
// in the background by a policy.
type Worker struct {
	Live      *Live
	Stream    stream.Stream
	Positions checkpoint.Positions
	Policy    Policy
	Wait      time.Duration                         // how long to wait for records before looking at the clock
	Pause     func(context.Context) error           // waits before a failed step is tried again
	Sealed    func(stream.ShardID, stream.Sequence) // told how far everything is sealed; may be nil
	Log       *slog.Logger

	shard  stream.Shard
	read   stream.Sequence // the last record folded
	sealed stream.Sequence // the position last written
	flying []*Seal
	done   chan error // of the seals in flight, once all ran
	noted  int64      // what was asked when the position was last looked at
}

// Run folds the shard until it is drained, then seals what is left and returns nil.
// When ctx ends it seals what there is within grace and returns.
func (w *Worker) Run(ctx context.Context, shard stream.Shard, grace time.Duration) error {
	w.shard = shard
	if err := w.restart(ctx); err != nil {
		return err
	}
	for {
		drained, err := w.step(ctx)
		switch {
		case ctx.Err() != nil:
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			return w.finish(last)
		case err != nil:
			w.Log.Error("shard", "shard", shard.ID, "error", err)
			w.recover(ctx, err)
		case drained:
			if err = w.finish(ctx); err == nil {
				return nil
			}
			w.recover(ctx, err)
		}
	}
}

// recover waits before the next step; a shard that was lost to another worker is
// begun again from its marks, however often that has to be tried.
func (w *Worker) recover(ctx context.Context, failed error) {
	for w.Pause(ctx) == nil && fault.Is(failed, fault.Conflict) {
		if err := w.restart(ctx); err != nil {
			w.Log.Error("restart", "shard", w.shard.ID, "error", err)
			continue
		}
		return
	}
}

// restart forgets the tails and reads on from what is sealed.
func (w *Worker) restart(ctx context.Context) error {
	if w.flying != nil {
		<-w.done // its outcome is read from the marks
		w.flying = nil
	}
	w.Live.Forget(w.shard.ID)
	at, err := w.Positions.Read(ctx, w.shard.ID)
	w.read, w.sealed = at, at
	return err
}

// step reads and folds some records, and begins or ends a seal when it is time.
func (w *Worker) step(ctx context.Context) (drained bool, err error) {
	if err := w.settle(ctx, false); err != nil {
		return false, err
	}
	records, drained, err := w.Stream.Read(ctx, w.shard.ID, w.read, readRecords, w.Wait)
	if err != nil {
		return false, err
	}
	n, err := w.Live.Fold(ctx, w.shard, records)
	if n > 0 {
		w.read = records[n-1].Sequence
	}
	if err != nil {
		return false, err
	}
	if w.flying == nil {
		w.seal(ctx, w.Policy)
	} else if w.Live.due(w.shard.ID, w.Policy.times(maxBehind)) {
		return false, w.settle(ctx, true) // the disk is slower than the senders
	}
	if asked := w.Live.ask.Load(); w.flying == nil && asked > w.noted {
		if err := w.position(ctx); err != nil { // of a shard that has had nothing to seal, too
			return false, err
		}
		w.noted = asked
	}
	return drained && len(records) == 0, nil
}

// seal starts to seal what is due.
func (w *Worker) seal(ctx context.Context, p Policy) {
	if seals := w.Live.Freeze(w.shard.ID, p); len(seals) > 0 {
		w.launch(ctx, seals, nil)
	}
}

// launch runs seals in the background, after a pause when they failed before.
// settle receives their end.
func (w *Worker) launch(ctx context.Context, seals []*Seal, before func(context.Context) error) {
	done := make(chan error, 1)
	w.flying, w.done = seals, done
	go func() {
		var failed error
		if before != nil {
			failed = before(ctx)
		}
		for _, s := range seals {
			if err := s.Run(ctx); err != nil && failed == nil {
				failed = err
			}
		}
		done <- failed
	}()
}

// settle takes the end of the seals in flight, if they ended or if it shall wait.
func (w *Worker) settle(ctx context.Context, wait bool) error {
	if w.flying == nil {
		return nil
	}
	var err error
	if wait {
		err = <-w.done
	} else {
		select {
		case err = <-w.done:
		default:
			return nil
		}
	}
	seals := w.flying
	w.flying = nil
	switch {
	case err == nil:
		for _, s := range seals {
			s.Settle()
		}
		return w.position(ctx)
	case fault.Is(err, fault.Conflict):
		return err // lost: the caller starts the shard again
	default:
		w.Log.Error("seal", "shard", w.shard.ID, "error", err)
		w.launch(ctx, seals, w.Pause) // the rows are here: try until it works
		return nil
	}
}

// position notes how far the shard is sealed in every dataset.
func (w *Worker) position(ctx context.Context) error {
	at := w.Live.sealedThrough(w.shard.ID, w.read)
	if !at.After(w.sealed) {
		return nil
	}
	if err := w.Positions.Write(ctx, w.shard.ID, at); err != nil {
		return err
	}
	w.sealed = at
	if w.Sealed != nil {
		w.Sealed(w.shard.ID, at)
	}
	return nil
}

// finish seals everything.
func (w *Worker) finish(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.settle(ctx, true); err != nil {
			return err
		}
		if w.flying != nil {
			continue // failed, and is being tried again
		}
		if w.seal(ctx, Policy{}); w.flying == nil {
			return w.position(ctx)
		}
	}
	return ctx.Err()
}
