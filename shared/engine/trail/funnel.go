package trail

import (
	"math"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

// funnel finds each subject's best attempt. It goes through the subject's instants from
// the last to the first, so that at each it knows what comes after.
type funnel struct {
	plan   query.FunnelPlan
	groups groups[conversion]
	steps  uint64 // flags of the plan's steps
	begins uint64 // flags of those that begin an attempt
	fields []int
	breaks []uint64 // by number of a step, from 0: flags of the exclusions after it

	after  [][]int64 // by step: the instants of the chain that begins with its next row; empty: there is none
	broken []int64   // by exclusion: its next instant; never: there is none
	next   []int64   // scratch
	best   []int64   // the instants of the best attempt
	keys   []query.Value
}

const never = math.MaxInt64

// conversion is what is counted of a group.
type conversion struct {
	reached []int64   // subjects, by step
	took    [][]int64 // microseconds to each step but the first
}

func newFunnel(p query.FunnelPlan, g groups[conversion]) *funnel {
	n := len(p.Steps)
	f := &funnel{plan: p, groups: g, steps: 1<<n - 1, begins: 1, fields: numbers(len(p.Dimensions)), breaks: make([]uint64, n),
		after: make([][]int64, n), broken: make([]int64, len(p.Exclude))}
	if p.Unordered {
		f.begins = f.steps
	}
	for i, x := range p.Exclude {
		for step := range n {
			if x.After == 0 || x.After == step+1 {
				f.breaks[step] |= 1 << (n + i)
			}
		}
	}
	return f
}

func (f *funnel) follow(steps []Step) {
	for i := range f.after {
		f.after[i] = f.after[i][:0]
	}
	for i := range f.broken {
		f.broken[i] = never
	}
	f.best = f.best[:0]
	from := 0
	for to := len(steps); to > 0; {
		begin := to - 1
		flags := f.groups.marks[steps[begin].Mark].Flags
		for begin > 0 && steps[begin-1].At == steps[begin].At {
			begin--
			flags |= f.groups.marks[steps[begin].Mark].Flags
		}
		at := steps[begin].At
		if f.plan.Unordered {
			f.nearer(at, flags)
		} else {
			f.chain(at, flags)
		}
		if flags&f.begins != 0 && f.attempt(at) {
			from = begin
		}
		for i := range f.broken {
			if flags>>(len(f.plan.Steps)+i)&1 != 0 {
				f.broken[i] = at
			}
		}
		to = begin
	}
	if len(f.best) > 0 {
		f.count(steps[from:])
	}
}

// chain puts an instant before the chains of the steps that follow its own.
func (f *funnel) chain(at int64, flags uint64) {
	for step := range f.after { // a step's chain is made of that of the next as it was
		if flags>>step&1 == 0 {
			continue
		}
		f.after[step] = append(f.after[step][:0], at)
		if last := step+1 == len(f.after); !last && len(f.after[step+1]) > 0 && f.breaking(step) >= f.after[step+1][0] {
			f.after[step] = append(f.after[step], f.after[step+1]...)
		}
	}
}

// nearer notes the next instant of the steps of this one.
func (f *funnel) nearer(at int64, flags uint64) {
	for step := range f.after {
		if flags>>step&1 != 0 {
			f.after[step] = append(f.after[step][:0], at)
		}
	}
}

// breaking is the next instant of what excludes after a step.
func (f *funnel) breaking(step int) int64 {
	at := int64(never)
	for i, next := range f.broken {
		if f.breaks[step]>>(len(f.plan.Steps)+i)&1 != 0 {
			at = min(at, next)
		}
	}
	return at
}

// attempt reports whether the attempt that begins at an instant is the best so far.
func (f *funnel) attempt(at int64) bool {
	reached := f.after[0]
	if f.plan.Unordered {
		reached = f.anyOrder(at)
	}
	n := 0
	for n < len(reached) && reached[n]-at <= f.plan.Window {
		n++
	}
	if n < len(f.best) {
		return false
	}
	f.best = append(f.best[:0], reached[:n]...)
	return true
}

// anyOrder lists the next instants of all steps before something excludes them.
func (f *funnel) anyOrder(int64) []int64 {
	f.next = f.next[:0]
	broken := f.breaking(0)
	for _, chain := range f.after {
		if len(chain) > 0 && chain[0] <= broken {
			f.next = append(f.next, chain[0])
		}
	}
	slices.Sort(f.next)
	return f.next
}

// count counts the best attempt, which begins with the first of some steps.
func (f *funnel) count(steps []Step) {
	f.keys = f.groups.least(f.keys[:0], f.fields, instant(steps), func(flags uint64) bool { return flags&f.begins != 0 })
	c := &f.groups.at(steps[0].At, f.keys).of
	if c.reached == nil {
		*c = f.nobody()
	}
	for i, at := range f.best {
		c.reached[i]++
		if i > 0 {
			c.took[i-1] = append(c.took[i-1], at-f.best[0])
		}
	}
}

func (f *funnel) nobody() conversion {
	return conversion{make([]int64, len(f.plan.Steps)), make([][]int64, len(f.plan.Steps)-1)}
}

func (f *funnel) rows() [][]query.Value {
	return f.groups.answers(len(f.plan.Keys.Columns()) > 0, func(c *conversion) (row []query.Value) {
		if c.reached == nil {
			*c = f.nobody()
		}
		for _, n := range c.reached {
			row = append(row, query.IntValue(n))
		}
		for _, took := range c.took {
			slices.Sort(took)
			for _, q := range query.Quantiles {
				row = append(row, quantile(took, q))
			}
		}
		return row
	})
}
