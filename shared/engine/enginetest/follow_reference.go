package enginetest

import (
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/rows"
)

// history is the rows of one subject.
type history struct {
	all rows.Batch
	in  []int
}

func (h history) time(row int) int64 { return field(h.all, row, timeField).Int() }

// follow answers a request whose plan follows subjects by looking at every row of each.
func follow(p query.Plan, r query.Request, all rows.Batch) [][]query.Value {
	switch p := p.(type) {
	case query.FunnelPlan:
		return followFunnel(p, r, all)
	case query.RetentionPlan:
		return followRetention(p, all)
	case query.PathsPlan:
		return followPaths(p, all)
	case query.SessionsPlan:
		return followSessions(p, all)
	case query.AudiencePlan:
		return followAudience(p, all)
	}
	panic("another kind of plan")
}

// histories gathers the rows of each subject that a plan looks at, in no order.
func histories(from query.Rows, subject query.Field, all rows.Batch, timeless bool) []history {
	byID := map[string]*history{}
	var out []history
	for row := range all.Len {
		at, who := field(all, row, timeField), field(all, row, subject)
		if who.IsNull() || at.IsNull() && !timeless || !within(from.Range, at) || !holds(from.Filter, all, row) {
			continue
		}
		id := who.String()
		if byID[id] == nil {
			byID[id] = &history{all: all}
		}
		byID[id].in = append(byID[id].in, row)
	}
	for _, h := range byID {
		out = append(out, *h)
	}
	return out
}

// valueAt is the value of a dimension at an instant: of several rows the least, or the
// greatest, nulls last.
func (h history) valueAt(g query.Group, at int64, greatest bool, of func(row int) bool) query.Value {
	var values [][]query.Value
	for _, row := range h.in {
		if h.time(row) == at && of(row) {
			values = append(values, []query.Value{field(h.all, row, g.Field)})
		}
	}
	values, _ = orderRows(values, []query.Column{{Type: query.TypeOf(g.Field.Type)}}, []query.Sort{{Column: 0}}, len(values))
	if greatest {
		return values[len(values)-1][0]
	}
	return values[0][0]
}

// keysAt are the keys of something that a subject began at an instant.
func (h history) keysAt(k query.Keys, at int64, of func(row int) bool) (keys []query.Value) {
	if k.Bucket != nil {
		keys = append(keys, bucket(*k.Bucket, query.TimeValue(at)))
	}
	for _, d := range k.Dimensions {
		keys = append(keys, h.valueAt(d, at, false, of))
	}
	return keys
}

// tally gathers things by their keys.
type tally[T any] struct {
	keys   map[string][]query.Value
	things map[string][]T
}

func (t *tally[T]) add(keys []query.Value, thing T) {
	if t.keys == nil {
		t.keys, t.things = map[string][]query.Value{}, map[string][]T{}
	}
	id := identity(keys)
	t.keys[id] = keys
	t.things[id] = append(t.things[id], thing)
}

// rows makes a row of each group. Without keys there is one even of nothing.
func (t *tally[T]) rows(keyed bool, row func([]T) []query.Value) (out [][]query.Value) {
	if !keyed && len(t.keys) == 0 {
		return [][]query.Value{row(nil)}
	}
	for id, keys := range t.keys {
		out = append(out, append(slices.Clone(keys), row(t.things[id])...))
	}
	return out
}

func count(n int) query.Value { return query.IntValue(int64(n)) }

func shareOf(n, of int) query.Value {
	if of == 0 {
		return query.Value{}
	}
	return query.FloatValue(float64(n) / float64(of))
}

func quantileOf(q float64, values []int64) query.Value {
	if len(values) == 0 {
		return query.Value{}
	}
	slices.Sort(values)
	sorted := make([]query.Value, len(values))
	for i, v := range values {
		sorted[i] = query.IntValue(v)
	}
	return query.FloatValue(quantile(q, sorted, true).Float() / 1e6)
}

func followRetention(p query.RetentionPlan, all rows.Batch) (out [][]query.Value) {
	type member struct{ returned map[int64]bool }
	var cohorts tally[member]
	zone, _ := time.LoadLocation(p.Bucket.Zone)
	buckets := calendar.Buckets{Grain: p.Bucket.Grain, Zone: zone, WeekStart: p.Bucket.WeekStart}
	last := calendar.MinMicros
	for _, h := range histories(p.Rows, p.Subject, all, false) {
		firsts := map[int64]int64{} // the first beginning in each bucket
		for _, row := range h.in {
			at := h.time(row)
			if first, ok := firsts[buckets.Key(at)]; holds(p.Cohort, all, row) && (!ok || at < first) {
				firsts[buckets.Key(at)] = at
			}
		}
		for key, first := range firsts {
			if !p.Recurring && slices.ContainsFunc(h.in, func(row int) bool { return holds(p.Cohort, all, row) && h.time(row) < first }) {
				continue
			}
			m := member{map[int64]bool{}}
			last = max(last, key)
			for _, row := range h.in {
				period := buckets.Key(h.time(row)) - key
				if holds(p.Returning, all, row) && period >= 0 && period <= int64(p.Periods) && (period > 0 || h.time(row) > first) {
					m.returned[period] = true
					last = max(last, key+period)
				}
			}
			cohorts.add(h.keysAt(p.Keys, first, func(row int) bool { return holds(p.Cohort, all, row) }), m)
		}
	}
	if p.Range.To != query.Unbounded.To {
		last = buckets.Key(p.Range.To - 1)
	}
	columns := p.Keys.Columns()
	columns = append(columns, query.Column{Type: query.Int})
	for id, members := range cohorts.things {
		keys := cohorts.keys[id]
		for period := int64(0); period <= int64(p.Periods) && buckets.Key(keys[0].Int())+period <= last; period++ {
			n := 0
			for _, m := range members {
				n += boolInt(m.returned[period])
			}
			out = append(out, append(slices.Clone(keys), query.IntValue(period), count(len(members)), count(n), shareOf(n, len(members))))
		}
	}
	out, _ = orderRows(out, columns, ascending(len(columns)), len(out))
	return out
}

func ascending(n int) (order []query.Sort) {
	for i := range n {
		order = append(order, query.Sort{Column: i})
	}
	return order
}

func followAudience(p query.AudiencePlan, all rows.Batch) [][]query.Value {
	var groups tally[int]
	var list [][]query.Value
	for _, h := range histories(p.Rows, p.Subject, all, true) {
		if p.Where != nil && !h.did(*p.Where) {
			continue
		}
		list = append(list, []query.Value{field(all, h.in[0], p.Subject)})
		first := h.time(h.in[0])
		for _, row := range h.in {
			first = min(first, h.time(row))
		}
		groups.add(h.keysAt(query.Keys{Dimensions: p.Dimensions}, first, func(int) bool { return true }), 1)
	}
	if !p.List {
		list = groups.rows(len(p.Dimensions) > 0, func(all []int) []query.Value { return []query.Value{count(len(all))} })
	}
	list, _ = orderRows(list, p.Columns(), p.Order, p.Limit)
	return list
}

// members lists the subjects of an audience.
func members(p query.AudiencePlan, all rows.Batch) (out []query.Value) {
	for _, h := range histories(p.Rows, p.Subject, all, true) {
		if p.Where == nil || h.did(*p.Where) {
			out = append(out, field(all, h.in[0], p.Subject))
		}
	}
	return out
}

func (h history) did(d query.Deed) bool {
	switch d.Node {
	case query.NodeNot:
		return !h.did(d.Args[0])
	case query.NodeAnd:
		return !slices.ContainsFunc(d.Args, func(a query.Deed) bool { return !h.did(a) })
	case query.NodeOr:
		return slices.ContainsFunc(d.Args, h.did)
	}
	n := 0
	for _, row := range h.in {
		n += boolInt(holds(d.Did, h.all, row))
	}
	return n >= d.AtLeast && (d.AtMost == 0 || n <= d.AtMost)
}
