package partial

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// kept is what is known of a shape whose answers can be merged.
type kept[T any] struct {
	units   []unit[T]
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
	units, missing := cover(was.units, within)
	cost = tally{query.Stats{SegmentsPruned: pruned, SegmentsKept: len(within) - len(missing)}}
	for _, some := range batches(missing, newest(within)) {
		u, tooMany, err := q.unit(ctx, over, some, &cost)
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
		s.remember(ctx, q.name, over, kept[T]{units: units, stored: was.stored}, cost.RowsScanned)
	}
	for _, u := range units {
		all = append(all, u.answer)
	}
	if len(edge) == 0 && len(over.Tail) == 0 && len(all) > 0 {
		return all, cost, nil
	}
	rest, stats, tooMany, err := q.ask(ctx, of(over, edge, over.Tail), q.of) // segments that the range cuts, and the tail
	if err != nil || tooMany {
		return nil, cost, err
	}
	cost.add(stats)
	return append(all, rest), cost, nil
}

// merged answers a plan whose answers over sets of rows can be merged.
func (e *Engine) merged(ctx context.Context, p query.Partial, whole query.AggregatePlan, over snapshot.Snapshot) (query.Result, error) {
	parts, cost, err := e.groups.parts(ctx, question[[][]query.Value]{
		name: shapeOf(over, p.Plan), of: whole.Range, merge: p.Merge,
		ask: func(ctx context.Context, over snapshot.Snapshot, r query.Range) ([][]query.Value, query.Stats, bool, error) {
			plan := p.Plan
			plan.Range = r
			result, err := e.config.Inner.Run(ctx, plan, over)
			return result.Rows, result.Stats, result.Stats.Truncated, err
		},
	}, over)
	if err != nil {
		return query.Result{}, err
	}
	var rows [][]query.Value
	for _, some := range parts {
		rows = p.Merge(rows, some)
	}
	rows, truncated, exact := p.Finish(rows)
	if parts == nil || !exact {
		return e.config.Inner.Run(ctx, whole, over)
	}
	cost.Truncated = truncated
	return query.Result{Columns: whole.Columns(), Rows: rows, Version: over.Version, Stats: cost.Stats}, nil
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

// parted parts segments into those within a range and those at its edges.
func parted(refs []segment.Ref, r query.Range) (within, edge []segment.Ref, pruned int) {
	for _, ref := range refs {
		switch {
		case inside(ref, r):
			within = append(within, ref)
		case meets(ref, r):
			edge = append(edge, ref)
		default:
			pruned++
		}
	}
	return within, edge, pruned
}

// cover returns the units that lie in some segments, and the segments that none covers.
func cover[T any](units []unit[T], within []segment.Ref) (hold []unit[T], missing []segment.Ref) {
	live := make(map[string]bool, len(within))
	for _, ref := range within {
		live[ref.Key] = true
	}
	for _, u := range units {
		if slices.ContainsFunc(u.segments, func(key string) bool { return !live[key] }) {
			continue
		}
		hold = append(hold, u)
		for _, key := range u.segments {
			delete(live, key)
		}
	}
	for _, ref := range within {
		if live[ref.Key] {
			missing = append(missing, ref)
		}
	}
	return hold, missing
}

func newest(refs []segment.Ref) segment.Day {
	day := segment.Day(-1 << 31)
	for _, ref := range refs {
		day = max(day, lastDay(ref))
	}
	return day
}

func lastDay(ref segment.Ref) segment.Day { return segment.DayOf(ref.MaxTime) }

// batches groups segments that a unit is made of: those of each recent day, and all
// others.
func batches(refs []segment.Ref, newest segment.Day) [][]segment.Ref {
	byDay := map[segment.Day][]segment.Ref{}
	for _, ref := range refs {
		day := max(lastDay(ref), newest-recentDays)
		byDay[day] = append(byDay[day], ref)
	}
	var out [][]segment.Ref
	for day := newest - recentDays; day <= newest; day++ {
		if some := byDay[day]; len(some) > 0 {
			out = append(out, some)
		}
	}
	return out
}

// unit asks a question of segments.
func (q question[T]) unit(ctx context.Context, over snapshot.Snapshot, refs []segment.Ref, cost *tally) (unit[T], bool, error) {
	answer, stats, tooMany, err := q.ask(ctx, of(over, refs, nil), query.Unbounded)
	if err != nil {
		return unit[T]{}, false, err
	}
	cost.add(stats)
	u := unit[T]{answer: answer, last: newest(refs)}
	for _, ref := range refs {
		u.segments = append(u.segments, ref.Key)
	}
	slices.Sort(u.segments)
	return u, tooMany, nil
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
