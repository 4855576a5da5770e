package enginetest

import (
	"cmp"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
)

// attempt is how far one attempt at a funnel comes: the instants of its steps.
type attempt []int64

func followFunnel(p query.FunnelPlan, r query.Request, all rows.Batch) (out [][]query.Value) {
	var groups tally[attempt]
	for _, h := range histories(p.Rows, p.Subject, all, false) {
		var best attempt
		begins := func(row int) bool { return h.begins(p, row) }
		for _, row := range h.in {
			if !begins(row) {
				continue
			}
			a := h.attempt(p, h.time(row))
			if len(a) > len(best) || len(a) == len(best) && a[0] < best[0] {
				best = a
			}
		}
		if best != nil {
			groups.add(h.keysAt(p.Keys, best[0], begins), best)
		}
	}
	keys := len(p.Keys.Columns())
	counted := groups.rows(keys > 0, func(all []attempt) []query.Value { return []query.Value{count(len(all))} })
	order := ascending(keys)
	if p.Bucket == nil {
		order = append([]query.Sort{{Column: keys, Desc: true}}, order...)
	}
	counted, _ = orderRows(counted, append(p.Keys.Columns(), query.Column{Type: query.Int}), order, p.Limit)
	for _, group := range counted {
		out = append(out, stepsOf(p, r, group[:keys], groups.things[identity(group[:keys])])...)
	}
	return out
}

// begins reports whether a row begins an attempt.
func (h history) begins(p query.FunnelPlan, row int) bool {
	if p.Unordered {
		return slices.ContainsFunc(p.Steps, func(s *query.Expr) bool { return holds(s, h.all, row) })
	}
	return holds(p.Steps[0], h.all, row)
}

func (h history) attempt(p query.FunnelPlan, begin int64) attempt {
	if p.Unordered {
		var reached attempt
		for _, step := range p.Steps {
			at, ok := h.first(step, begin)
			if ok && at-begin <= p.Window && !h.excluded(p, 0, begin, at) {
				reached = append(reached, at)
			}
		}
		slices.Sort(reached)
		return reached
	}
	reached := attempt{begin}
	for i, step := range p.Steps[1:] {
		at, ok := h.first(step, reached[i]+1)
		if !ok || at-begin > p.Window || h.excluded(p, i+1, reached[i], at) {
			break
		}
		reached = append(reached, at)
	}
	return reached
}

// first is the first instant from one on with a row of a step.
func (h history) first(step *query.Expr, from int64) (at int64, ok bool) {
	for _, row := range h.in {
		if t := h.time(row); t >= from && holds(step, h.all, row) && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// excluded reports whether an exclusion lies strictly between two instants.
func (h history) excluded(p query.FunnelPlan, after int, from, to int64) bool {
	for _, x := range p.Exclude {
		for _, row := range h.in {
			if t := h.time(row); (x.After == 0 || x.After == after) && from < t && t < to && holds(&x.Filter, h.all, row) {
				return true
			}
		}
	}
	return false
}

// stepsOf makes a row for each step of a group.
func stepsOf(p query.FunnelPlan, r query.Request, keys []query.Value, all []attempt) (out [][]query.Value) {
	first, before := 0, 0
	for i := range p.Steps {
		n := 0
		var took []int64
		for _, a := range all {
			if len(a) > i {
				n++
				took = append(took, a[i]-a[0])
			}
		}
		if i == 0 {
			first, before, took = n, n, nil
		}
		name := r.Steps[i].Name
		if name == "" {
			name = string(rune('1' + i))
		}
		row := append(slices.Clone(keys), count(i+1), query.TextValue(name), count(n), shareOf(n, first), shareOf(n, before))
		for _, q := range []float64{0, .25, .5, .75, .95, 1} {
			row = append(row, quantileOf(q, took))
		}
		out, before = append(out, row), n
	}
	return out
}

func followSessions(p query.SessionsPlan, all rows.Batch) [][]query.Value {
	type session struct {
		subject, rows int
		micros        int64
	}
	var groups tally[session]
	for subject, h := range histories(p.Rows, p.Subject, all, false) {
		slices.SortFunc(h.in, func(a, b int) int { return cmp.Compare(h.time(a), h.time(b)) })
		for from := 0; from < len(h.in); {
			to := from + 1
			for to < len(h.in) && h.time(h.in[to])-h.time(h.in[to-1]) <= p.Timeout {
				to++
			}
			run := history{all, h.in[from:to]}
			first, last := h.time(h.in[from]), h.time(h.in[to-1])
			keys := run.keysAt(query.Keys{Bucket: p.Bucket}, first, nil)
			for _, d := range p.Dimensions {
				at := first
				if d.AtExit {
					at = last
				}
				keys = append(keys, run.valueAt(d, at, d.AtExit, func(int) bool { return true }))
			}
			groups.add(keys, session{subject, to - from, last - first})
			from = to
		}
	}
	out := groups.rows(len(p.Keys.Columns()) > 0, func(all []session) []query.Value {
		subjects, n, bounces, sum := map[int]bool{}, 0, 0, int64(0)
		var micros []int64
		for _, s := range all {
			subjects[s.subject] = true
			n, sum, micros = n+s.rows, sum+s.micros, append(micros, s.micros)
			bounces += boolInt(s.rows == 1)
		}
		average := query.Value{}
		if len(all) > 0 {
			average = query.FloatValue(float64(sum) / float64(len(all)) / 1e6)
		}
		return []query.Value{count(len(all)), count(len(subjects)), count(n), count(bounces), shareOf(bounces, len(all)), average, quantileOf(.5, micros)}
	})
	out, _ = orderRows(out, p.Columns(), p.Order, p.Limit)
	return out
}

func followPaths(p query.PathsPlan, all rows.Batch) [][]query.Value {
	var groups tally[int]
	for subject, h := range histories(p.Rows, p.Subject, all, false) {
		items := h.items(p)
		for i, item := range items {
			edge := i == 0
			if p.Before {
				edge = i == len(items)-1
			}
			if p.Start != nil && identity([]query.Value{*p.Start}) != identity(item[:1]) || p.Start == nil && !edge {
				continue
			}
			var keys []query.Value
			if p.Bucket != nil {
				keys = append(keys, bucket(*p.Bucket, item[1]))
			}
			keys = append(keys, item[2:]...)
			for step := range p.Depth + 1 {
				at := i + step
				if p.Before {
					at = i - step
				}
				if at < 0 || at >= len(items) {
					keys = append(keys, query.Value{})
				} else {
					keys = append(keys, items[at][0])
				}
			}
			groups.add(keys, subject)
		}
	}
	out := groups.rows(true, func(subjects []int) []query.Value {
		n := len(subjects)
		slices.Sort(subjects)
		return []query.Value{count(n), count(len(slices.Compact(subjects)))}
	})
	out, _ = orderRows(out, p.Columns(), p.Order, p.Limit)
	return out
}

// items lists the rows that make paths in order: value, time, dimensions.
func (h history) items(p query.PathsPlan) (out [][]query.Value) {
	columns := []query.Column{{Type: query.TypeOf(p.Of.Type)}, {Type: query.Timestamp}}
	order := []query.Sort{{Column: 1}, {Column: 0}}
	for i, d := range p.Dimensions {
		columns = append(columns, query.Column{Type: query.TypeOf(d.Field.Type)})
		order = append(order, query.Sort{Column: 2 + i})
	}
	for _, row := range h.in {
		item := []query.Value{field(h.all, row, p.Of), query.TimeValue(h.time(row))}
		for _, d := range p.Dimensions {
			item = append(item, field(h.all, row, d.Field))
		}
		if !item[0].IsNull() {
			out = append(out, item)
		}
	}
	out, _ = orderRows(out, columns, order, len(out))
	if p.Collapse {
		out = slices.CompactFunc(out, func(a, b []query.Value) bool { return identity(a[:1]) == identity(b[:1]) })
	}
	return out
}
