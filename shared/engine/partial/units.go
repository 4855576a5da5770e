package partial

import (
	"context"
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// kept is what is known of a shape whose answers can be merged.
type kept[T any] struct {
	units   []unit[T]        // some may share segments: they serve questions about other ranges
	stored  manifest.Version // of the blob that holds it; zero: none
	tooMany bool             // it has more groups than it is worth to merge
}

// unit is the answer over a set of segments. It holds of all their rows, so that it
// serves every range that they lie in.
type unit[T any] struct {
	segments []string // keys, ascending
	last     segment.Day
	answer   T
}

// recentDays is how many of the newest days have units of their own: they are merged
// soon and often, and what a merge removes must be asked anew.
const recentDays = 2

// question is what is asked of sets of rows, and how their answers are merged.
type question[T any] struct {
	name  shape
	of    query.Range
	ask   func(ctx context.Context, over snapshot.Snapshot, r query.Range) (answer T, stats query.Stats, tooMany bool, err error)
	merge func(a, b T) T
}

// parts answers a question from the units that hold and from what they do not cover:
// answers over disjoint sets of rows, one at least. When there are too many groups it
// gives none.
func (s *shelf[T]) parts(ctx context.Context, q question[T], over snapshot.Snapshot) (all []T, cost tally, err error) {
	was := s.recall(ctx, q.name, over)
	if was.tooMany {
		return nil, cost, nil
	}
	within, edge, pruned := parted(over.Segments, q.of)
	units, idle, missing := cover(was.units, within, over.Segments)
	cost = tally{query.Stats{SegmentsPruned: pruned, SegmentsKept: len(within) - len(missing)}}
	for _, some := range batches(missing, newest(within)) {
		u, tooMany, err := q.unit(ctx, over, some, query.Unbounded, &cost)
		if err != nil {
			return nil, cost, err
		}
		if tooMany {
			s.cache.Put(q.name, kept[T]{tooMany: true}, 1)
			return nil, cost, nil
		}
		units = append(units, u)
	}
	units = q.consolidated(units, newest(within))
	if len(missing) > 0 {
		held := kept[T]{units: slices.Concat(units, s.small(idle)), stored: was.stored}
		s.remember(ctx, q.name, over, held, cost.RowsScanned)
	}
	for _, u := range units {
		all = append(all, u.answer)
	}
	if len(edge) > 0 {
		answer, ok, err := s.edge(ctx, q, of(over, edge, over.Tail), &cost)
		if err != nil {
			return nil, cost, err
		}
		if ok {
			all, edge = append(all, answer), nil
		}
	}
	if len(edge) == 0 && len(over.Tail) == 0 && len(all) > 0 {
		return all, cost, nil
	}
	rest, stats, tooMany, err := q.ask(ctx, of(over, edge, over.Tail), q.of)
	cost.add(stats)
	if err != nil || tooMany {
		return nil, cost, err
	}
	return append(all, rest), cost, nil
}

// edge answers a question of the segments that its range cuts, which is kept for the
// range. Where there is a tail they are not asked apart from it until the range is asked
// about again: most ranges end now and are asked about once.
func (s *shelf[T]) edge(ctx context.Context, q question[T], over snapshot.Snapshot, cost *tally) (answer T, ok bool, err error) {
	name := shape{q.name.dataset, fmt.Sprint(q.name.plan, q.of)}
	was, known := s.cache.Get(name)
	if len(was.units) == 1 && slices.Equal(was.units[0].segments, sortedKeys(over.Segments)) {
		cost.SegmentsKept += len(over.Segments)
		return was.units[0].answer, true, nil
	}
	if !known && len(over.Tail) > 0 {
		s.put(name, kept[T]{})
		return answer, false, nil
	}
	u, tooMany, err := q.unit(ctx, over, over.Segments, q.of, cost)
	if err != nil || tooMany {
		return answer, false, err
	}
	s.put(name, kept[T]{units: []unit[T]{u}})
	return u.answer, true, nil
}

// merged answers a plan whose answers over sets of rows can be merged.
func (e *Engine) merged(ctx context.Context, p query.Partial, whole query.AggregatePlan, over snapshot.Snapshot) (query.Result, error) {
	result, ok, err := e.gathered(ctx, p, whole, over, func([][]query.Value, query.Stats) bool { return true })
	if err == nil && !ok {
		return e.inFull(ctx, whole, over, result.Stats)
	}
	return result, err
}

// inFull answers a plan without what is kept, after something was tried in vain.
func (e *Engine) inFull(ctx context.Context, p query.AggregatePlan, over snapshot.Snapshot, vain query.Stats) (query.Result, error) {
	result, err := e.config.Inner.Run(ctx, p, over)
	cost := tally{result.Stats}
	cost.add(vain)
	result.Stats = cost.Stats
	return result, err
}

// gathered merges a plan's answers over sets of rows. It is not ok where that is not
// exact, or where there is too much to keep: more groups than are merged, or an answer
// that is not worth it.
func (e *Engine) gathered(ctx context.Context, p query.Partial, whole query.AggregatePlan, over snapshot.Snapshot,
	worth func([][]query.Value, query.Stats) bool) (result query.Result, ok bool, err error) {
	parts, cost, err := e.groups.parts(ctx, question[[][]query.Value]{
		name: shapeOf(over, p.Plan), of: whole.Range, merge: p.Merge,
		ask: func(ctx context.Context, over snapshot.Snapshot, r query.Range) ([][]query.Value, query.Stats, bool, error) {
			plan := p.Plan
			plan.Range = r
			result, err := e.config.Inner.Run(ctx, plan, over)
			return result.Rows, result.Stats, result.Stats.Truncated || !worth(result.Rows, result.Stats), err
		},
	}, over)
	if err != nil {
		return query.Result{}, false, err
	}
	var rows [][]query.Value
	for _, some := range parts {
		rows = p.Merge(rows, some)
	}
	rows, truncated, exact := p.Finish(rows)
	cost.Truncated = truncated
	result = query.Result{Columns: whole.Columns(), Rows: rows, Version: over.Version, Stats: cost.Stats}
	return result, parts != nil && exact, nil
}

// followed answers a plan that follows subjects from their trails.
func (e *Engine) followed(ctx context.Context, p query.Follower, trails query.TrailPlan, over snapshot.Snapshot) (query.Result, error) {
	shared := trails
	shared.Range = query.Unbounded
	parts, cost, err := e.trails.parts(ctx, question[trail.Trails]{
		name: shape{over.Dataset.ID, query.Key(shared)}, of: trails.Range, merge: trail.Join,
		ask: func(ctx context.Context, over snapshot.Snapshot, r query.Range) (trail.Trails, query.Stats, bool, error) {
			plan := trails
			plan.Range = r
			result, err := e.config.Inner.Run(ctx, plan, over)
			if err != nil {
				return trail.Trails{}, query.Stats{}, false, err
			}
			return result.Trails.(trail.Trails), result.Stats, false, nil
		},
	}, over)
	if err != nil {
		return query.Result{}, err
	}
	var all trail.Trails
	for _, some := range parts {
		all = all.And(some)
	}
	rows, truncated, err := trail.Answer(ctx, p, all)
	cost.Truncated = truncated
	return query.Result{Columns: p.Columns(), Rows: rows, Version: over.Version, Stats: cost.Stats}, err
}

func shapeOf(over snapshot.Snapshot, p query.AggregatePlan) shape {
	p.Range, p.Order, p.Limit = query.Unbounded, nil, 0
	return shape{over.Dataset.ID, query.Key(p)}
}

// unit asks a question of a range of some segments.
func (q question[T]) unit(ctx context.Context, over snapshot.Snapshot, refs []segment.Ref, r query.Range, cost *tally) (unit[T], bool, error) {
	answer, stats, tooMany, err := q.ask(ctx, of(over, refs, nil), r)
	if err != nil {
		return unit[T]{}, false, err
	}
	cost.add(stats)
	return unit[T]{answer: answer, last: newest(refs), segments: sortedKeys(refs)}, tooMany, nil
}

// consolidated merges the units of each recent day, and all others.
func (q question[T]) consolidated(units []unit[T], newest segment.Day) []unit[T] {
	byDay := map[segment.Day]unit[T]{}
	for _, u := range units {
		day := max(u.last, newest-recentDays)
		if held, ok := byDay[day]; ok {
			u = unit[T]{answer: q.merge(held.answer, u.answer), last: max(held.last, u.last), segments: slices.Concat(held.segments, u.segments)}
			slices.Sort(u.segments)
		}
		byDay[day] = u
	}
	out := make([]unit[T], 0, len(byDay))
	for day := newest - recentDays; day <= newest; day++ {
		if u, ok := byDay[day]; ok {
			out = append(out, u)
		}
	}
	return out
}
