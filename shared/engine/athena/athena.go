// Package athena answers plans that scan more than the engine here should: the rows
// that are published as an Iceberg table by statements in Trino's dialect, which a
// service runs on its own time, and those that came since by the engine here. The two
// answers are merged. No row is in both, and none of the snapshot's is in neither;
// docs/athena.md says how, and what is refused.
package athena

import (
	"context"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Lake knows what is published of datasets.
type Lake interface {
	// Shown returns what a dataset's table showed at a time, now or at most an hour ago,
	// and will show for an hour more: no file, if it was not there.
	Shown(ctx context.Context, t tenant.ID, d dataset.Dataset, at time.Time) (shown.Table, error)
}

// Config says what an Engine does itself.
type Config struct {
	Inner   engine.Engine // answers what is within the limit
	Lake    Lake
	Called  func(namespace, name string) (database, table string) // how the service calls tables; nil: as the lake does
	Service execution.Service

	// A plan that scans more of sealed segments is put to the service. Zero: no limit.
	Rows, Bytes int64

	Patience time.Duration                              // with an execution, until the caller shall ask again; zero: 20 seconds
	Wait     func(context.Context, time.Duration) error // nil: real time
	Now      func() time.Time                           // nil: time.Now
}

// Engine is an engine.Engine. It is safe for concurrent use.
type Engine struct{ config Config }

// New returns an Engine.
func New(c Config) *Engine {
	if c.Patience == 0 {
		c.Patience = 20 * time.Second
	}
	if c.Called == nil {
		c.Called = func(namespace, name string) (string, string) { return namespace, name }
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Engine{c}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	scanned := within(over.Segments, plan.Source().Range)
	if e.affords(scanned) || bare(plan, scanned) {
		return e.config.Inner.Run(ctx, plan, over)
	}
	p, ok := plan.(query.AggregatePlan)
	switch {
	case !ok:
		return query.Result{}, refusal("a %s needs all rows of a subject in one place", plan.Kind())
	case over.Dataset.Kind != dataset.Events:
		return query.Result{}, refusal("only events are published")
	}
	began := e.config.Now()
	parts, err := e.part(ctx, p, over, scanned)
	if err != nil {
		return query.Result{}, err
	}
	result, err := e.answer(ctx, p, parts)
	if err != nil {
		return query.Result{}, err
	}
	result.Columns, result.Version = p.Columns(), over.Version
	result.Stats.SegmentsPruned = len(over.Segments) - len(scanned)
	result.Stats.Millis = float64(e.config.Now().Sub(began).Microseconds()) / 1000
	return result, nil
}

// steady is for how long the same snapshot is asked, where it will do: so long a
// question asked again has the same statement, which runs already or has run.
const steady = time.Hour

// part finds a snapshot of the table whose answer can be completed here: the one of the
// last full hour, or else the newest.
func (e *Engine) part(ctx context.Context, p query.AggregatePlan, over snapshot.Snapshot, scanned []segment.Ref) (out parts, err error) {
	_, mergeable := p.Partial()
	now := e.config.Now()
	for _, at := range []time.Time{now.Truncate(steady), now} {
		table, err := e.config.Lake.Shown(ctx, scanned[0].Tenant(), over.Dataset, at)
		if err != nil {
			return parts{}, err
		}
		out = parted(over, scanned, table)
		out.target = e.target(table)
		if len(out.published) > 0 && e.affords(out.since.Segments) && (mergeable || out.nothingSince()) {
			return out, nil
		}
	}
	if len(out.published) == 0 || !e.affords(out.since.Segments) {
		return out, unpublished("%d of %d files are not published", len(out.since.Segments), len(scanned))
	}
	return out, refusal("what it computes of the published rows cannot be merged with what came since").
		WithHint("let the time range end before the newest rows, leave out distinct counts, medians and quantiles, or shorten the range")
}

func (e *Engine) target(t shown.Table) target {
	database, name := e.config.Called(t.Namespace, t.Name)
	return target{t, database, name}
}

// affords reports whether segments may be scanned by the engine here.
func (e *Engine) affords(refs []segment.Ref) bool {
	var rows, bytes int64
	for _, ref := range refs {
		rows += ref.Rows
		bytes += ref.Bytes
	}
	return (e.config.Rows == 0 || rows <= e.config.Rows) && (e.config.Bytes == 0 || bytes <= e.config.Bytes)
}

// bare reports whether a plan asks for nothing but the number of rows of whole segments,
// which the manifest knows: nothing is scanned.
func bare(plan query.Plan, scanned []segment.Ref) bool {
	p, ok := plan.(query.AggregatePlan)
	return ok && p.Bucket == nil && len(p.Dimensions) == 0 && p.Filter == nil &&
		!slices.ContainsFunc(p.Measures, func(m query.Aggregand) bool { return m.Op != query.Count || m.Field != nil || m.Filter != nil }) &&
		!slices.ContainsFunc(scanned, func(ref segment.Ref) bool { return ref.MinTime < p.Range.From || ref.MaxTime >= p.Range.To })
}

// within returns the segments that have a row in a range, as far as their times tell.
func within(refs []segment.Ref, r query.Range) []segment.Ref {
	var out []segment.Ref
	for _, ref := range refs {
		if ref.MinTime < r.To && ref.MaxTime >= r.From {
			out = append(out, ref)
		}
	}
	return out
}

// parts are the rows that a plan looks at, each in one of both.
type parts struct {
	target
	published []segment.Ref     // are files of the table
	since     snapshot.Snapshot // has the segments that are not, and the tail
}

func parted(over snapshot.Snapshot, scanned []segment.Ref, t shown.Table) parts {
	files := make(map[string]bool, len(t.Files))
	for _, f := range t.Files {
		files[f.Key] = true
	}
	out := parts{since: over}
	out.since.Segments = nil
	for _, ref := range scanned {
		if files[ref.Key] {
			out.published = append(out.published, ref)
		} else {
			out.since.Segments = append(out.since.Segments, ref)
		}
	}
	return out
}

// nothingSince reports whether no row came since.
func (p parts) nothingSince() bool {
	for _, part := range p.since.Tail {
		if part.Rows.Len > 0 {
			return false
		}
	}
	return len(p.since.Segments) == 0
}

// answer puts a plan to the service: as it is when nothing came since, and else what
// its answer can be merged of.
func (e *Engine) answer(ctx context.Context, p query.AggregatePlan, parts parts) (query.Result, error) {
	if parts.nothingSince() {
		result, err := e.ask(ctx, p, parts)
		if err != nil {
			return query.Result{}, err
		}
		result.Rows, result.Stats.Truncated = query.Arrange(result.Rows, p.Order, p.Limit)
		return result, nil
	}
	mergeable, _ := p.Partial() // or it were refused
	published, err := e.ask(ctx, mergeable.Plan, parts)
	if err != nil {
		return query.Result{}, err
	}
	since, err := e.config.Inner.Run(ctx, mergeable.Plan, parts.since)
	if err != nil {
		return query.Result{}, err
	}
	rows, truncated := query.Arrange(published.Rows, mergeable.Plan.Order, mergeable.Plan.Limit)
	if truncated || since.Stats.Truncated {
		return query.Result{}, refusal("there are more than %d groups to merge with what came since", mergeable.Plan.Limit).
			WithHint("let the time range end before the newest rows, group by fewer distinct values, or filter")
	}
	result := query.Result{Stats: published.Stats}
	exact := false
	if result.Rows, result.Stats.Truncated, exact = mergeable.Finish(mergeable.Merge(rows, since.Rows)); !exact {
		return query.Result{}, refusal("its sums cancel each other out between the published rows and what came since").
			WithHint("let the time range end before the newest rows, or shorten it")
	}
	result.Stats.Segments += since.Stats.Segments
	result.Stats.RowsScanned += since.Stats.RowsScanned
	result.Stats.Bytes += since.Stats.Bytes
	return result, nil
}
