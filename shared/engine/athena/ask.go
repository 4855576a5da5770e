package athena

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

const (
	maxStatement = 256 << 10 // bytes that Athena takes
	turns        = 3         // that a statement has in a day
	stopping     = 5 * time.Second
)

// ask runs a plan over the published segments.
func (e *Engine) ask(ctx context.Context, p query.AggregatePlan, parts parts) (query.Result, error) {
	s, err := statementOf(p, parts.target, parts.since.State.Schema, parts.published)
	if err != nil {
		return query.Result{}, err
	}
	if len(s.sql) > maxStatement {
		return query.Result{}, unpublished("the files to be told apart are too many to name")
	}
	result, err := e.execute(ctx, s, p.Limit)
	if err != nil {
		return query.Result{}, err
	}
	result.Stats.Segments = len(parts.published)
	for _, ref := range parts.published {
		result.Stats.RowsScanned += ref.Rows
	}
	return result, nil
}

// execute runs a statement, or finds the execution that an earlier call has started: a
// statement names all that it reads, so that it has one answer for ever. One that
// failed, or whose answer is gone, has another turn.
func (e *Engine) execute(ctx context.Context, s statement, limit int) (query.Result, error) {
	patient := e.config.Now().Add(e.config.Patience)
	var last error
	for turn := range turns {
		id, err := e.config.Service.Start(ctx, s.sql, fmt.Sprintf("%s/%d", e.config.Now().UTC().Format(time.DateOnly), turn))
		if err != nil {
			return query.Result{}, err
		}
		x, err := e.await(ctx, id, patient)
		if err != nil {
			return query.Result{}, err
		}
		switch {
		case x.State == execution.Done:
			result, err := e.fetch(ctx, id, s, limit)
			if !fault.Is(err, fault.NotFound) {
				result.Stats.Bytes = x.Scanned
				return result, err
			}
			last = err
		case x.Limited:
			return query.Result{}, refusal("more than the operator lets one query read")
		case x.Greedy:
			return query.Result{}, refusal("it needs more memory or time than a query has there").WithHint("group by fewer distinct values, or shorten the time range")
		default:
			last = errors.New(x.Reason)
		}
	}
	return query.Result{}, fault.New(fault.Unavailable, "scan_failed", "the large scan failed").WithHint("ask again later, or for a shorter time range").Because(last)
}

// await looks at an execution until it is over. When the caller's time or our patience
// ends it goes on: who asks again finds it. When nobody waits any more it is stopped.
func (e *Engine) await(ctx context.Context, id execution.ID, patient time.Time) (execution.Execution, error) {
	const first, most = 100 * time.Millisecond, 2 * time.Second
	for pause := first; ; pause = min(2*pause, most) {
		x, err := e.config.Service.Look(ctx, id)
		if err == nil && x.State.Over() {
			return x, nil
		}
		if err == nil && !e.config.Now().Before(patient) {
			return x, stillRunning(nil)
		}
		if err == nil {
			err = e.config.Wait(ctx, pause)
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return x, errors.Join(ctx.Err(), e.stop(ctx, id))
		case ctx.Err() != nil:
			return x, stillRunning(ctx.Err())
		case err != nil:
			return x, err
		}
	}
}

func (e *Engine) stop(ctx context.Context, id execution.ID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	return e.config.Service.Stop(ctx, id)
}

func stillRunning(cause error) error {
	running := fault.New(fault.Unavailable, "scan_running", "the question looks at very much and is still being answered").
		WithHint("ask the same again: what has been started goes on").Because(cause)
	running.RetryAfter = 5 * time.Second
	return running
}
