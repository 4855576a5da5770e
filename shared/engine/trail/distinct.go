package trail

import "github.com/tarnhq/tarn/shared/query"

// distinct counts the values of each group. Its subjects are the values, and the times
// of steps are keys of buckets.
type distinct struct {
	plan   query.DistinctPlan
	groups groups[int64]
	last   []counted // by mark
}

// counted is the group that a mark was counted in last.
type counted struct {
	bucket int64
	group  *group[int64]
}

func (w *distinct) follow(steps []Step) {
	for i, s := range steps {
		if i > 0 && s == steps[i-1] { // of two sets of rows
			continue
		}
		last := &w.last[s.Mark]
		if last.group == nil || last.bucket != s.At {
			*last = counted{s.At, w.group(s)}
		}
		last.group.of++
	}
}

func (w *distinct) group(s Step) *group[int64] {
	var begins int64
	if b := w.groups.buckets; b != nil {
		begins = b.Start(s.At)
	}
	return w.groups.at(begins, w.groups.marks[s.Mark].Values)
}

func (w *distinct) rows() [][]query.Value {
	return w.groups.answers(len(w.plan.Keys.Columns()) > 0, func(n *int64) []query.Value { return []query.Value{query.IntValue(*n)} })
}
