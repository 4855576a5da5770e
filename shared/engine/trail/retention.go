package trail

import (
	"github.com/tarnhq/tarn/shared/query"
)

// Flags of retention.
const (
	beginsCohort = 1 << iota
	returns
)

// retention finds the cohorts of each subject and the periods in which it comes back.
type retention struct {
	plan    query.RetentionPlan
	groups  groups[cohort]
	buckets []presence
	keys    []query.Value
}

// presence is what a subject did in a bucket.
type presence struct {
	key      int64
	began    int // place of its first row that begins; -1: there is none
	returned int64
	came     bool // returned is of a row
}

// cohort is what is counted of a group.
type cohort struct {
	size     int64
	returned []int64 // by period
}

func (r *retention) follow(steps []Step) {
	r.present(steps)
	for i, p := range r.buckets {
		if p.began < 0 {
			continue
		}
		r.count(steps[p.began:], r.buckets[i:])
		if !r.plan.Recurring {
			return
		}
	}
}

// present gathers a subject's rows by bucket.
func (r *retention) present(steps []Step) {
	r.buckets = r.buckets[:0]
	for i, s := range steps {
		key := r.groups.buckets.find(s.At).key
		if n := len(r.buckets); n == 0 || r.buckets[n-1].key != key {
			r.buckets = append(r.buckets, presence{key: key, began: -1})
		}
		p := &r.buckets[len(r.buckets)-1]
		flags := r.groups.marks[s.Mark].Flags
		if flags&beginsCohort != 0 && p.began < 0 {
			p.began = i
		}
		if flags&returns != 0 {
			p.returned, p.came = s.At, true
		}
	}
}

// count counts a subject that begins with the first of some steps, in the first of some
// buckets.
func (r *retention) count(steps []Step, buckets []presence) {
	r.keys = r.groups.least(r.keys[:0], numbers(len(r.plan.Dimensions)), instant(steps), func(flags uint64) bool { return flags&beginsCohort != 0 })
	c := &r.groups.at(steps[0].At, r.keys).of
	if c.returned == nil {
		c.returned = make([]int64, r.plan.Periods+1)
	}
	c.size++
	for _, p := range buckets {
		period := p.key - buckets[0].key
		if period > int64(r.plan.Periods) {
			return
		}
		if p.came && (period > 0 || p.returned > steps[0].At) {
			c.returned[period]++
		}
	}
}

// rows has a row for the size of each cohort and one for each period in which anyone
// came back.
func (r *retention) rows() (out [][]query.Value) {
	for _, g := range r.groups.all {
		row := func(period int, n int64) {
			out = append(out, append(append([]query.Value{}, g.keys...), query.IntValue(int64(period)), query.IntValue(n)))
		}
		row(query.CohortSize, g.of.size)
		for period, n := range g.of.returned {
			if n > 0 {
				row(period, n)
			}
		}
	}
	return out
}
