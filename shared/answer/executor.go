// Package answer is the way from a request to its answer, the same for every surface:
// open the newest version, bind the request to it, and answer it from what is kept or
// by an engine. What is kept is never stale and never somebody else's: its key holds
// the dataset, the version down to the last unsealed row, and the program that the
// request became, with all that the gate put into it.
package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Executor answers requests. It is safe for concurrent use.
type Executor struct {
	Gate   gate.Gate
	Saved  saved.Store
	Engine engine.Engine
	Cache  *Cache       // nil: nothing is kept, and nobody waits for another's answer
	Limits *limit.Store // nil: none
	Now    func() time.Time
	Slow   time.Duration // an answer that took longer is logged; zero: none is
	Log    *slog.Logger
}

// Answer is a result with its name.
type Answer struct {
	query.Result
	Tag   Tag
	forms *forms // nil: not kept
}

// Tag names an answer: the same program over the same rows has the same.
type Tag string

// Question is a request on its way to an answer: bound to a version, which stays
// pinned until Release.
type Question struct {
	Program  query.Program
	Over     engine.Visible
	Tag      Tag
	executor *Executor
	caller   access.Principal
	explain  bool
	opened   time.Duration // what it took to open the version
	bound    time.Duration // and to bind the request to it
}

// Open binds a request to what the caller sees of the newest version. Whoever has the answer of the
// Question's tag need not ask.
func (e *Executor) Open(ctx context.Context, p access.Principal, r query.Request) (*Question, error) {
	wait, err := snapshot.ParsePosition(r.WaitFor)
	if err != nil {
		return nil, err
	}
	began := e.Now()
	over, err := e.Gate.Open(ctx, p, access.RunQuery, r.Dataset, wait)
	if err != nil {
		return nil, err
	}
	opened := e.Now()
	program, err := e.Saved.Bind(ctx, p.Tenant, r, over.Dataset, over.View)
	if err != nil {
		over.Release()
		return nil, err
	}
	return &Question{Program: program, Over: over, Tag: tagOf(over.Snapshot, program), executor: e, caller: p,
		explain: r.Explain, opened: opened.Sub(began), bound: e.Now().Sub(opened)}, nil
}

// Release lets go of the version.
func (q *Question) Release() { q.Over.Release() }

// tagOf hashes what an answer depends on.
func tagOf(over snapshot.Snapshot, program query.Program) Tag {
	h := sha256.New()
	for _, part := range []string{string(over.Dataset.ID), over.Version.String(), over.Position.String(), program.Key()} {
		h.Write([]byte(part))
		h.Write([]byte{0}) // no part holds it
	}
	return Tag(hex.EncodeToString(h.Sum(nil)[:16]))
}

// Ask answers the question.
func (q *Question) Ask(ctx context.Context) (Answer, error) {
	ctx, cancel, err := q.executor.Limits.Bound(ctx, q.caller)
	if err != nil {
		return Answer{}, err
	}
	defer cancel()
	began := q.executor.Now()
	costs := recorder{Engine: q.executor.Engine, plans: []query.PlanCost{}, discreet: q.Over.View.Restricted()}
	a, err := q.executor.Cache.answer(ctx, q.caller.Tenant, q.Tag, func() (query.Result, error) {
		return engine.Answer(ctx, &costs, q.Program, q.Over.Snapshot)
	})
	took := q.executor.Now().Sub(began)
	if q.executor.Slow > 0 && took > q.executor.Slow {
		q.slow(ctx, took, a, err)
	}
	if q.explain && err == nil {
		a = q.explained(a, took, costs.plans)
	}
	return a, err
}

// slow logs a question that took long, without its values.
func (q *Question) slow(ctx context.Context, took time.Duration, a Answer, err error) {
	q.executor.Log.LogAttrs(ctx, slog.LevelWarn, "slow query", slog.String("tenant", string(q.caller.Tenant)), slog.String("dataset", string(q.Over.Dataset.Name)),
		slog.String("tag", string(q.Tag)), slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("rows_scanned", a.Stats.RowsScanned),
		slog.Int("segments", a.Stats.Segments), slog.Int64("bytes", a.Stats.Bytes), slog.Bool("failed", err != nil))
}

// Ask answers a request.
func (e *Executor) Ask(ctx context.Context, p access.Principal, r query.Request) (Answer, error) {
	q, err := e.Open(ctx, p, r)
	if err != nil {
		return Answer{}, err
	}
	defer q.Release()
	return q.Ask(ctx)
}
