package duck

import (
	"slices"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// counted answers a plan that asks for nothing but the number of rows. The manifest
// knows it of each segment that lies in the range as a whole; where one does not, no
// answer is given, and the rows are scanned.
func counted(p query.Plan, sealed selection, tail []snapshot.Part) (answer []query.Value, ok bool) {
	plan, ok := p.(query.AggregatePlan)
	if !ok || plan.Bucket != nil || len(plan.Dimensions) > 0 || plan.Filter != nil || slices.Contains(sealed.within, false) {
		return nil, false
	}
	var n int64
	for _, ref := range sealed.refs {
		n += ref.Rows
	}
	for _, part := range tail {
		n += within(plan.Range, part.Rows)
	}
	for _, m := range plan.Measures {
		if m.Op != query.Count || m.Field != nil || m.Filter != nil {
			return nil, false
		}
		answer = append(answer, query.IntValue(n))
	}
	return answer, true
}

// within counts the rows of a tail whose event time lies in a range.
func within(r query.Range, b rows.Batch) (n int64) {
	if r == query.Unbounded {
		return int64(b.Len)
	}
	for _, t := range b.Columns[rows.Time].Ints[:b.Len] {
		if r.From <= t && t < r.To {
			n++
		}
	}
	return n
}
