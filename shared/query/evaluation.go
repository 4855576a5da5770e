package query

import (
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/manifest"
)

// evaluation answers one aggregation.
type evaluation struct {
	*aggregation
	runner  Runner
	stats   Stats
	version manifest.Version
}

// line is a row of an answer on its way.
type line struct {
	keys   []Value // as many as there are key columns; null past its level
	other  bool
	level  int
	slots  []Value
	before []Value
}

// ask runs a plan and notes what it cost.
func (e *evaluation) ask(p Plan) (Result, error) {
	r, err := e.runner(p)
	if err != nil {
		return r, err
	}
	e.version = r.Version
	e.stats.RowsScanned += r.Stats.RowsScanned
	e.stats.Segments += r.Stats.Segments
	e.stats.SegmentsPruned += r.Stats.SegmentsPruned
	e.stats.Bytes += r.Stats.Bytes
	e.stats.Millis += r.Stats.Millis
	return r, nil
}

func (e *evaluation) answer() ([][]Value, error) {
	var top []Value
	if e.Top != nil {
		var err error
		if top, err = e.rank(); err != nil {
			return nil, err
		}
	}
	keys := len(e.Keys.Columns())
	lines, err := e.level(keys, top)
	if err != nil {
		return nil, err
	}
	rows, truncated := e.arranged(lines)
	e.stats.Truncated = e.stats.Truncated || truncated
	for _, level := range e.levels(keys) {
		lines, err := e.level(level, top)
		if err != nil {
			return nil, err
		}
		more, truncated := e.arranged(lines)
		e.stats.Truncated = e.stats.Truncated || truncated
		rows = append(rows, more...)
	}
	return rows, nil
}

// levels lists the levels of totals, the finest first.
func (e *evaluation) levels(keys int) []int {
	switch {
	case e.Totals == "" || keys == 0:
		return nil
	case e.Totals == GrandTotal:
		return []int{0}
	}
	var out []int
	for level := keys - 1; level >= 0; level-- {
		out = append(out, level)
	}
	return out
}

// level computes the lines of the leading keys, with those of the earlier time.
func (e *evaluation) level(level int, top []Value) ([]line, error) {
	detail := level == len(e.Keys.Columns())
	plan := e.plan(e.Rows, e.leading(level))
	if detail {
		plan = e.detail()
	}
	now, err := e.lines(plan, level, top, detail && e.pushed != nil)
	if err != nil || e.Compare == nil {
		return now, err
	}
	earlier := e.plan(Rows{e.Compare.of(e.Range), e.Filter}, e.leading(level))
	then, err := e.lines(earlier, level, top, false)
	if err != nil {
		return nil, err
	}
	return now, e.match(now, then, earlier.Range)
}

// leading returns the first keys.
func (e *evaluation) leading(level int) Keys {
	k := e.Keys
	if k.Bucket != nil && level > 0 {
		level--
	} else if k.Bucket != nil {
		k.Bucket = nil
	}
	k.Dimensions = k.Dimensions[:level]
	return k
}

// lines computes the groups of a plan: those of the top values and one of all
// others, where that is asked for; empty buckets; measures of measures.
func (e *evaluation) lines(p AggregatePlan, level int, top []Value, cut bool) ([]line, error) {
	if e.Top == nil || e.Top.Dimension >= len(p.Dimensions) {
		lines, err := e.groups(p, level, -1, cut)
		if err != nil {
			return nil, err
		}
		return e.complete(lines, p)
	}
	kept := p
	kept.Filter = both(p.Filter, e.Top.among(e.Dimensions, top))
	lines, err := e.groups(kept, level, -1, false)
	if err != nil {
		return nil, err
	}
	if e.Top.Other {
		rest := p
		rest.Filter = both(p.Filter, e.Top.others(e.Dimensions, top))
		rest.Dimensions = slices.Delete(slices.Clone(p.Dimensions), e.Top.Dimension, e.Top.Dimension+1)
		rest.Order = rest.Keys.ordered()
		rest.Measures = append(slices.Clone(p.Measures), Aggregand{Name: "rows", Op: Count}) // tells whether there is a rest
		more, err := e.groups(rest, level, e.Top.Dimension, false)
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	return e.complete(lines, p)
}

// groups runs a plan. Unless left out is negative, the plan lacks that dimension:
// its lines are of the others.
func (e *evaluation) groups(p AggregatePlan, level, leftOut int, cut bool) ([]line, error) {
	found, truncated, err := e.rows(p)
	if err != nil {
		return nil, err
	}
	if truncated && !cut {
		return nil, tooManyGroups()
	}
	e.stats.Truncated = e.stats.Truncated || truncated
	all, own := len(e.Keys.Columns()), len(p.Keys.Columns())
	out := make([]line, 0, len(found))
	for _, f := range found {
		l := line{keys: make([]Value, all), level: level, other: leftOut >= 0}
		at := 0
		for i := range own {
			if leftOut >= 0 && i == leftOut+all-len(e.Dimensions) {
				at++
			}
			l.keys[at] = f.row[i]
			at++
		}
		if l.other && f.row[len(f.row)-1].Int() == 0 {
			continue
		}
		l.slots = f.slots
		out = append(out, l)
	}
	return out, nil
}

// found is a row of a plan's answer, and the slots that it and the sketches fill.
type found struct{ row, slots []Value }

// rows runs a plan and the sketches that go with it.
func (e *evaluation) rows(p AggregatePlan) (out []found, truncated bool, err error) {
	r, err := e.ask(p)
	if err != nil {
		return nil, false, err
	}
	own, exact := len(p.Keys.Columns()), e.exactPlaces()
	for _, row := range r.Rows {
		f := found{row, e.empty()}
		for slot, at := range exact {
			if at >= 0 {
				f.slots[slot] = row[own+at]
			}
		}
		out = append(out, f)
	}
	for slot, at := range exact {
		if at >= 0 {
			continue
		}
		values, err := e.sketch(p, e.Base[slot])
		if err != nil {
			return nil, false, err
		}
		for _, f := range out {
			if v, ok := values[identity(f.row[:own])]; ok {
				f.slots[slot] = v
			}
		}
	}
	return out, r.Stats.Truncated, nil
}

// arranged makes rows of lines: those that the answer is to have, sorted and cut at the
// limit.
func (e *evaluation) arranged(lines []line) (rows [][]Value, truncated bool) {
	rows = make([][]Value, len(lines))
	for i, l := range lines {
		rows[i] = e.row(l)
	}
	rows = e.having(rows)
	slices.SortStableFunc(rows, func(a, b []Value) int { return compareRows(a, b, e.Order) })
	if len(rows) > e.Limit {
		return rows[:e.Limit], true
	}
	return rows, false
}

func (e *evaluation) row(l line) []Value {
	out := slices.Clone(l.keys)
	if e.hasOther() {
		out = append(out, BoolValue(l.other))
	}
	if e.Totals != "" {
		out = append(out, IntValue(int64(l.level)))
	}
	for _, s := range e.Shown {
		out = append(out, l.slots[s.Slot])
		if e.Compare == nil {
			continue
		}
		out = append(out, l.before[s.Slot])
		if t := e.slotType(s.Slot); t == Int || t == Float {
			out = append(out, change(l.before[s.Slot], l.slots[s.Slot]))
		}
	}
	return out
}

// compareRows orders rows, nulls last.
func compareRows(a, b []Value, order []Sort) int {
	for _, s := range order {
		v, w := a[s.Column], b[s.Column]
		c := CompareValues(v, w)
		if c == 0 {
			continue
		}
		if s.Desc && !v.IsNull() && !w.IsNull() {
			return -c
		}
		return c
	}
	return 0
}

// identity is a text that equal values, and only they, share.
func identity(values []Value) string {
	var b []byte
	for _, v := range values {
		b = append(b, byte(v.kind))
		b = strconv.AppendUint(b, v.bits, 36)
		b = strconv.AppendQuote(b, v.text)
	}
	return string(b)
}
