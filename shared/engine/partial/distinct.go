package partial

import (
	"context"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// distinct answers a plan with exact distinct counts from the answer without them and
// the values that are kept. Where there are too many values to keep, or groups, the
// whole plan is asked.
func (e *Engine) distinct(ctx context.Context, rest query.AggregatePlan, each []query.DistinctPlan, whole query.AggregatePlan, over snapshot.Snapshot) (query.Result, error) {
	result, err := e.Run(ctx, rest, over)
	if err != nil {
		return query.Result{}, err
	}
	cost := tally{result.Stats}
	counts := make([][][]query.Value, len(each))
	for i, p := range each {
		counted, err := e.followed(ctx, p, p.Trails(), over)
		if fault.Is(err, fault.Invalid) {
			return e.config.Inner.Run(ctx, whole, over)
		}
		if err != nil {
			return query.Result{}, err
		}
		cost.Truncated = cost.Truncated || counted.Stats.Truncated
		cost.add(counted.Stats)
		counts[i] = counted.Rows
	}
	if cost.Truncated {
		return e.config.Inner.Run(ctx, whole, over)
	}
	result.Columns, result.Stats = whole.Columns(), cost.Stats
	result.Rows, result.Stats.Truncated = whole.Joined(result.Rows, counts)
	return result, nil
}
