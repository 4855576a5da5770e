package partial

import (
	"context"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// apart answers a plan with measures that need to see all values of a group at once:
// from its other measures, and the values that are kept. It is not ok where there are
// too many of them to keep, or too many groups; the result tells then what that cost.
func (e *Engine) apart(ctx context.Context, s query.Split, whole query.AggregatePlan, over snapshot.Snapshot) (result query.Result, ok bool, err error) {
	each := make([][][]query.Value, len(s.Apart))
	var cost tally
	for i, a := range s.Apart { // before the rest, which is asked in vain if they are too many
		measured, ok, err := e.measure(ctx, a, over)
		cost.add(measured.Stats)
		if err != nil || !ok {
			return query.Result{Stats: cost.Stats}, false, err
		}
		each[i] = measured.Rows
	}
	rest, err := e.Run(ctx, s.Rest, over)
	cost.add(rest.Stats)
	if err != nil || rest.Stats.Truncated {
		return query.Result{Stats: cost.Stats}, false, err
	}
	cost.SegmentsPruned, cost.SegmentsKept = rest.Stats.SegmentsPruned, rest.Stats.SegmentsKept
	result = query.Result{Columns: whole.Columns(), Version: over.Version, Stats: cost.Stats}
	result.Rows, result.Stats.Truncated = s.Joined(rest.Rows, each)
	return result, true, nil
}

// measure answers a measure from the values that are kept.
func (e *Engine) measure(ctx context.Context, a query.Apart, over snapshot.Snapshot) (result query.Result, ok bool, err error) {
	if a.Distinct != nil {
		result, err = e.followed(ctx, *a.Distinct, a.Distinct.Trails(), over)
		if fault.Is(err, fault.Invalid) { // more than there is memory for
			return query.Result{}, false, nil
		}
		return result, !result.Stats.Truncated, err
	}
	mergeable, ok := a.Spread.Partial()
	if !ok {
		return query.Result{}, false, nil
	}
	result, ok, err = e.gathered(ctx, mergeable, *a.Spread, over, e.repeating)
	result.Rows = a.Fold(result.Rows)
	return result, ok && !result.Stats.Truncated, err
}

// repeating reports whether values are few, or were met often enough that to keep them is
// less than to look at all rows again.
func (e *Engine) repeating(values [][]query.Value, s query.Stats) bool {
	const often = 4
	n := int64(len(values))
	return n <= e.config.Worth || n*often <= s.RowsScanned
}
