package cube

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// Limits of what goes on after its request was answered.
const (
	longest   = 5 * time.Minute // of one run
	unclaimed = time.Minute     // how long a result waits for who asked for it
	mostLeft  = 16              // runs at a time that nobody waits for
)

// waiting are the runs that requests wait for. A request whose patience ends leaves
// its run behind, and the one that asks the same next finds it: the run, not a new
// one of a newer version, so that a long query ends however often rows come in.
type waiting struct {
	now  func() time.Time
	mu   sync.Mutex
	runs map[string]*run
}

// run is work on its way, or its result.
type run struct {
	done    chan struct{}
	cancel  context.CancelFunc
	results []query.Result
	err     error

	// Guarded by waiting.mu.
	waiters int
	left    bool      // somebody was told to ask again
	ended   time.Time // zero: not yet
}

// ask returns the results of work, or false when patience ended first. Without
// patience the work is done in place.
func (w *waiting) ask(ctx context.Context, key string, patience <-chan time.Time, work func(context.Context) ([]query.Result, error)) ([]query.Result, bool, error) {
	if patience == nil {
		results, err := work(ctx)
		return results, true, err
	}
	r := w.join(ctx, key, work)
	select {
	case <-r.done:
		w.claim(key, r)
		return r.results, true, r.err
	case <-patience:
		return nil, false, w.leave(key, r)
	case <-ctx.Done():
		w.abandon(key, r)
		return nil, false, ctx.Err()
	}
}

// join returns the run of a key, which is a new one unless it is under way.
func (w *waiting) join(ctx context.Context, key string, work func(context.Context) ([]query.Result, error)) *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweep()
	r, ok := w.runs[key]
	if !ok {
		r = &run{done: make(chan struct{})}
		var detached context.Context
		detached, r.cancel = context.WithTimeout(context.WithoutCancel(ctx), longest)
		w.runs[key] = r
		go w.do(detached, r, work)
	}
	r.waiters++
	return r
}

func (w *waiting) do(ctx context.Context, r *run, work func(context.Context) ([]query.Result, error)) {
	defer r.cancel()
	defer func() {
		if p := recover(); p != nil { // it ends this run and no other; its waiters are told
			r.err = fmt.Errorf("panic: %v\n%s", p, bytes.TrimSpace(debug.Stack()))
		}
		w.mu.Lock()
		r.ended = w.now()
		w.mu.Unlock()
		close(r.done)
	}()
	r.results, r.err = work(ctx)
}

// sweep drops results that nobody came for.
func (w *waiting) sweep() {
	for key, r := range w.runs {
		if !r.ended.IsZero() && w.now().Sub(r.ended) > unclaimed {
			delete(w.runs, key)
		}
	}
}

// claim takes a result away: whoever asks the same later asks anew.
func (w *waiting) claim(key string, r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.waiters--
	w.drop(key, r)
}

func (w *waiting) drop(key string, r *run) {
	if w.runs[key] == r {
		delete(w.runs, key)
	}
}

// leave goes, to come back, unless too many have done so.
func (w *waiting) leave(key string, r *run) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.waiters--
	behind := 0
	for _, other := range w.runs {
		if other.left && other != r {
			behind++
		}
	}
	if !r.left && behind >= mostLeft {
		w.end(key, r)
		return fault.New(fault.Throttled, "too_many_queries", "%d long queries are under way", behind).WithHint("ask again when some have ended")
	}
	r.left = true
	return nil
}

// abandon goes for good.
func (w *waiting) abandon(key string, r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.waiters--
	w.end(key, r)
}

// end stops a run that nobody waits for or comes back to.
func (w *waiting) end(key string, r *run) {
	if r.waiters == 0 && !r.left {
		r.cancel()
		w.drop(key, r)
	}
}
