package trail

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Answer answers a plan from its trails. Rows are in the plan's order, up to its limit.
func Answer(ctx context.Context, p query.Follower, t Trails) (rows [][]query.Value, truncated bool, err error) {
	marks, renamed := commonMarks(t.runs)
	w, err := walkerOf(p, marks)
	if err != nil {
		return nil, false, err
	}
	if counter, ok := w.(*distinct); ok {
		err = counter.count(ctx, t.runs, renamed)
	} else {
		err = eachSubject(ctx, t.runs, renamed, func(_ []byte, steps []Step) { w.follow(steps) })
	}
	if err != nil {
		return nil, false, err
	}
	rows, truncated = query.Arrange(w.rows(), orderOf(p), p.MaxRows())
	return rows, truncated, nil
}

// eachSubject hands on each subject of some runs with all its steps, ascending, which
// hold until the next one.
func eachSubject(ctx context.Context, runs []run, renamed [][]uint32, each func(subject []byte, steps []Step)) error {
	const often = 1 << 12 // subjects
	n := 0
	walk(runs, renamed, func(subject []byte, steps []Step) bool {
		each(subject, steps)
		n++
		return n%often != 0 || ctx.Err() == nil
	})
	return ctx.Err()
}

// walker sees the steps of one subject after the other, which it may not keep.
type walker interface {
	follow(steps []Step)
	rows() [][]query.Value
}

func walkerOf(p query.Follower, marks []Mark) (walker, error) {
	switch p := p.(type) {
	case query.FunnelPlan:
		g, err := newGroups[conversion](p.Keys, marks)
		return newFunnel(p, g), err
	case query.RetentionPlan:
		g, err := newGroups[cohort](p.Keys, marks)
		return &retention{plan: p, groups: g}, err
	case query.PathsPlan:
		g, err := newGroups[visits](p.Keys, marks)
		return newPaths(p, g), err
	case query.DistinctPlan:
		g, err := newGroups[int64](p.Keys, marks)
		return &distinct{plan: p, groups: g, last: make([]counted, len(marks))}, err
	case query.SessionsPlan:
		g, err := newGroups[visits](p.Keys, marks)
		return &sessions{plan: p, groups: g}, err
	}
	return nil, fmt.Errorf("a plan of kind %q follows nobody", p.Kind())
}

// orderOf is the order of an answer. Funnels have the largest groups first, or where
// there are buckets go by time; retention goes by its keys.
func orderOf(p query.Follower) (order []query.Sort) {
	switch p := p.(type) {
	case query.PathsPlan:
		return p.Order
	case query.SessionsPlan:
		return p.Order
	case query.FunnelPlan:
		keys := len(p.Keys.Columns())
		if p.Bucket == nil {
			order = append(order, query.Sort{Column: keys, Desc: true})
		}
		return append(order, ascending(keys)...)
	}
	return ascending(len(p.Columns()) - 1)
}

func ascending(columns int) []query.Sort {
	order := make([]query.Sort, columns)
	for i := range order {
		order[i].Column = i
	}
	return order
}

// groups gathers things by the keys of a plan.
type groups[T any] struct {
	marks   []Mark
	buckets *buckets // nil: none
	all     map[string]*group[T]
	key     []byte // scratch
	last    *group[T]
}

type group[T any] struct {
	keys []query.Value
	of   T
	key  string
}

func newGroups[T any](k query.Keys, marks []Mark) (groups[T], error) {
	g := groups[T]{marks: marks, all: map[string]*group[T]{}}
	if k.Bucket == nil {
		return g, nil
	}
	zone, err := time.LoadLocation(k.Bucket.Zone)
	if err != nil {
		return g, err
	}
	g.buckets = &buckets{Buckets: calendar.Buckets{Grain: k.Bucket.Grain, Zone: zone, WeekStart: k.Bucket.WeekStart}}
	return g, nil
}

// at returns the group of something that began at an instant with some values.
func (g *groups[T]) at(began int64, values []query.Value) *group[T] {
	g.key = g.key[:0]
	if g.buckets != nil {
		began = g.buckets.find(began).from
		g.key = binary.LittleEndian.AppendUint64(g.key, uint64(began)) // #nosec G115 -- a time keeps its bits
	}
	for _, v := range values {
		g.key = v.AppendBinary(g.key)
	}
	if g.last != nil && string(g.key) == g.last.key { // of a subject's, many are of one group
		return g.last
	}
	found, ok := g.all[string(g.key)]
	if !ok {
		found = &group[T]{key: string(g.key)}
		if g.buckets != nil {
			found.keys = append(found.keys, query.TimeValue(began))
		}
		found.keys = append(found.keys, values...)
		g.all[found.key] = found
	}
	g.last = found
	return found
}

// answers makes rows of the groups. Without keys there is one even of nothing.
func (g *groups[T]) answers(keyed bool, row func(*T) []query.Value) (out [][]query.Value) {
	if !keyed && len(g.all) == 0 {
		var nothing T
		return [][]query.Value{row(&nothing)}
	}
	for _, found := range g.all {
		out = append(out, append(slices.Clip(found.keys), row(&found.of)...))
	}
	return out
}

// least appends the least value of each of some fields among steps that count; most the
// greatest. Nulls are last.
func (g *groups[T]) least(out []query.Value, fields []int, steps []Step, counts func(flags uint64) bool) []query.Value {
	for _, field := range fields {
		value, found := query.Value{}, false
		for _, s := range steps {
			m := g.marks[s.Mark]
			if counts(m.Flags) && (!found || query.CompareValues(m.Values[field], value) < 0) {
				value, found = m.Values[field], true
			}
		}
		out = append(out, value)
	}
	return out
}

// anything counts every row.
func anything(uint64) bool { return true }

// numbers lists the numbers before n.
func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// instant returns the steps of the first instant.
func instant(steps []Step) []Step {
	n := 1
	for n < len(steps) && steps[n].At == steps[0].At {
		n++
	}
	return steps[:n]
}

// quantile interpolates between the nearest of ascending numbers; of none it is null.
func quantile(ascending []int64, q float64) query.Value {
	if len(ascending) == 0 {
		return query.Value{}
	}
	place := q * float64(len(ascending)-1)
	below := int(place)
	value := float64(ascending[below])
	if below+1 < len(ascending) {
		value += (place - float64(below)) * float64(ascending[below+1]-ascending[below])
	}
	return query.FloatValue(value)
}
