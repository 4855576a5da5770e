package trail

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

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

// apart is how many times more steps the largest run has than the others together, from
// which on their values are looked for in it, and it is not walked.
const apart = 8

// count counts the values of some runs.
func (w *distinct) count(ctx context.Context, runs []run, renamed [][]uint32) error {
	large, rest := -1, int64(0)
	for i, r := range runs {
		if rest += r.steps; large < 0 || r.steps > runs[large].steps {
			large = i
		}
	}
	if large < 0 || (rest-runs[large].steps)*apart > runs[large].steps {
		return eachSubject(ctx, runs, renamed, func(_ []byte, steps []Step) { w.follow(steps) })
	}
	base, names := runs[large], renamed[large]
	for s, n := range base.indexed().counts {
		w.at(Step{s.At, names[s.Mark]}).of += n
	}
	var known []Step
	runs, renamed = slices.Delete(slices.Clone(runs), large, large+1), slices.Delete(slices.Clone(renamed), large, large+1)
	return eachSubject(ctx, runs, renamed, func(value []byte, steps []Step) {
		known = base.find(value, names, known[:0])
		for i, s := range steps {
			if (i == 0 || s != steps[i-1]) && !slices.Contains(known, s) {
				w.at(s).of++
			}
		}
	})
}

func (w *distinct) follow(steps []Step) {
	for i, s := range steps {
		if i == 0 || s != steps[i-1] { // not of two runs
			w.at(s).of++
		}
	}
}

// at returns the group of a step.
func (w *distinct) at(s Step) *group[int64] {
	last := &w.last[s.Mark]
	if last.group == nil || last.bucket != s.At {
		*last = counted{s.At, w.group(s)}
	}
	return last.group
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
