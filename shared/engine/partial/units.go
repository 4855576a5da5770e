package partial

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// kept is what is known of a shape whose answers can be merged.
type kept struct {
	units   []unit
	stored  manifest.Version // of the blob that holds it; zero: none
	tooMany bool             // it has more groups than it is worth to merge
}

// unit is the answer over a set of segments. It holds of all their rows, so that it
// serves every range that they lie in.
type unit struct {
	segments []string // keys, ascending
	last     segment.Day
	rows     [][]query.Value
}

// recentDays is how many of the newest days have units of their own: they are merged
// soon and often, and what a merge removes must be asked anew.
const recentDays = 2

// merged answers a plan from the units that hold and from what they do not cover.
func (e *Engine) merged(ctx context.Context, p query.Partial, whole query.AggregatePlan, over snapshot.Snapshot) (query.Result, error) {
	name := shapeOf(over, p.Plan)
	was := e.recall(ctx, name, over)
	if was.tooMany {
		return e.config.Inner.Run(ctx, whole, over)
	}
	within, edge, pruned := parted(over.Segments, whole.Range)
	units, missing := cover(was.units, within)
	cost := tally{query.Stats{SegmentsPruned: pruned, SegmentsKept: len(within) - len(missing)}}
	for _, some := range batches(missing, newest(within)) {
		u, truncated, err := e.unit(ctx, p, over, some, &cost)
		if err != nil {
			return query.Result{}, err
		}
		if truncated {
			e.units.Put(name, kept{tooMany: true}, 1)
			return e.config.Inner.Run(ctx, whole, over)
		}
		units = append(units, u)
	}
	rows, truncated, err := e.rest(ctx, p, of(over, edge, over.Tail), len(units) == 0, &cost)
	if err != nil {
		return query.Result{}, err
	}
	if truncated {
		return e.config.Inner.Run(ctx, whole, over)
	}
	units = consolidated(p, units, newest(within))
	if len(missing) > 0 {
		e.remember(ctx, name, over, kept{units: units, stored: was.stored}, cost.RowsScanned)
	}
	for _, u := range units {
		rows = p.Merge(rows, u.rows)
	}
	rows, truncated, exact := p.Finish(rows)
	if !exact {
		return e.config.Inner.Run(ctx, whole, over)
	}
	cost.Truncated = truncated
	return query.Result{Columns: whole.Columns(), Rows: rows, Version: over.Version, Stats: cost.Stats}, nil
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
func cover(units []unit, within []segment.Ref) (hold []unit, missing []segment.Ref) {
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

// unit asks a partial plan of segments.
func (e *Engine) unit(ctx context.Context, p query.Partial, over snapshot.Snapshot, refs []segment.Ref, cost *tally) (unit, bool, error) {
	plan := p.Plan
	plan.Range = query.Unbounded
	result, err := e.config.Inner.Run(ctx, plan, of(over, refs, nil))
	if err != nil {
		return unit{}, false, err
	}
	cost.add(result.Stats)
	u := unit{rows: result.Rows, last: newest(refs)}
	for _, ref := range refs {
		u.segments = append(u.segments, ref.Key)
	}
	slices.Sort(u.segments)
	return u, result.Stats.Truncated, nil
}

// rest asks a partial plan of what no unit is made of: segments that the range cuts,
// and the tail.
func (e *Engine) rest(ctx context.Context, p query.Partial, over snapshot.Snapshot, anyway bool, cost *tally) ([][]query.Value, bool, error) {
	if len(over.Segments) == 0 && len(over.Tail) == 0 && !anyway {
		return nil, false, nil
	}
	result, err := e.config.Inner.Run(ctx, p.Plan, over)
	if err != nil {
		return nil, false, err
	}
	cost.add(result.Stats)
	return result.Rows, result.Stats.Truncated, nil
}

// consolidated merges the units of each recent day, and all others.
func consolidated(p query.Partial, units []unit, newest segment.Day) []unit {
	byDay := map[segment.Day]unit{}
	for _, u := range units {
		day := max(u.last, newest-recentDays)
		if held, ok := byDay[day]; ok {
			u = unit{rows: p.Merge(held.rows, u.rows), last: max(held.last, u.last), segments: slices.Concat(held.segments, u.segments)}
			slices.Sort(u.segments)
		}
		byDay[day] = u
	}
	out := make([]unit, 0, len(byDay))
	for day := newest - recentDays; day <= newest; day++ {
		if u, ok := byDay[day]; ok {
			out = append(out, u)
		}
	}
	return out
}

func (k kept) size() (size int64) {
	for _, u := range k.units {
		size += sizeOf(u.rows)
		for _, key := range u.segments {
			size += int64(len(key)) + 16
		}
	}
	return size
}
