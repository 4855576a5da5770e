package enginetest

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
)

// cell is a group of an answer: what it is of, and its rows.
type cell struct {
	keys  []query.Value
	other bool
	place int   // of its bucket in the range
	rows  []int // in it
	sofar []int // in its bucket and those before
}

// answer computes the answer of a request the slow way: every number of a row is
// computed of the dataset's rows that it is about.
func (d derivation) answer(all rows.Batch, columns []query.Column) (out [][]query.Value, truncated bool) {
	keys := d.keyCount()
	levels := []int{keys}
	switch {
	case d.request.Totals == query.AllTotals:
		for l := keys - 1; l >= 0; l-- {
			levels = append(levels, l)
		}
	case d.request.Totals == query.GrandTotal && keys > 0:
		levels = append(levels, 0)
	}
	top := d.top(all)
	for _, level := range levels {
		rows, cut := orderRows(d.having(d.level(all, level, top), columns), columns, d.order(columns), d.request.Limit)
		out, truncated = append(out, rows...), truncated || cut
	}
	return out, truncated
}

func (d derivation) keyCount() int {
	n := len(d.base.Dimensions)
	if d.base.Bucket != nil {
		n++
	}
	return n
}

func (d derivation) order(columns []query.Column) (order []query.Sort) {
	distinct := d.keyCount()
	if d.request.Top != nil && d.request.Top.Other {
		distinct++
	}
	for _, o := range d.request.Order {
		order = append(order, query.Sort{Column: slices.IndexFunc(columns, func(c query.Column) bool { return c.Name == o.By }), Desc: o.Desc})
	}
	for i := range distinct {
		order = append(order, query.Sort{Column: i})
	}
	return order
}

// level makes the rows of the answer that are of the leading keys.
func (d derivation) level(all rows.Batch, level int, top map[string]bool) (out [][]query.Value) {
	now := d.cells(all, d.base.Range, level, top)
	var then []cell
	if d.request.Compare != nil {
		then = d.cells(all, d.earlier(), level, top)
	}
	for _, c := range now {
		row := slices.Clone(c.keys)
		if d.request.Top != nil && d.request.Top.Other {
			row = append(row, query.BoolValue(c.other))
		}
		if d.request.Totals != "" {
			row = append(row, query.IntValue(int64(level)))
		}
		values := d.values(all, c, level)
		if d.request.Compare == nil {
			out = append(out, append(row, values...))
			continue
		}
		before := d.before(all, c, then, level)
		for i, v := range values {
			row = append(row, v, before[i], grown(before[i], v))
		}
		out = append(out, row)
	}
	return out
}

// before finds the values of the cell of the earlier time that matches.
func (d derivation) before(all rows.Batch, c cell, then []cell, level int) []query.Value {
	skip := boolInt(d.base.Bucket != nil)
	for _, b := range then {
		if b.place == c.place && b.other == c.other && identity(b.keys[skip:]) == identity(c.keys[skip:]) {
			return d.values(all, b, level)
		}
	}
	values := d.values(all, cell{}, level)
	if d.running {
		values[len(values)-1] = query.Value{}
	}
	return values
}

func grown(before, now query.Value) query.Value {
	from, to := asFloat(before), asFloat(now)
	if math.IsNaN(from) || from == 0 || math.IsNaN(to) {
		return query.Value{}
	}
	return query.FloatValue((to - from) / math.Abs(from))
}

// values computes the measures of a cell.
func (d derivation) values(all rows.Batch, c cell, level int) []query.Value {
	m0, m1 := measure(d.base.Measures[0], all, c.rows), measure(d.base.Measures[1], all, c.rows)
	out := []query.Value{m0, m1, {}}
	if f := d.formula.of(asFloat(m0), asFloat(m1)); !math.IsNaN(f) && !math.IsInf(f, 0) {
		out[2] = query.FloatValue(f)
	}
	if d.running && level > 0 && (len(c.keys) == 0 || !c.keys[0].IsNull()) {
		out = append(out, measure(d.base.Measures[0], all, c.sofar))
	} else if d.running {
		out = append(out, query.Value{})
	}
	return out
}

func asFloat(v query.Value) float64 {
	if v.IsNull() {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(string(v.AppendText(nil)), 64)
	if err != nil {
		panic(err)
	}
	return f
}

// cells groups the rows of a range by the leading keys.
func (d derivation) cells(all rows.Batch, r query.Range, level int, top map[string]bool) []cell {
	cells := map[string]*cell{}
	starts := d.starts(r)
	add := func(keys []query.Value, other bool) *cell {
		id := identity(append([]query.Value{query.BoolValue(other)}, keys...))
		if cells[id] == nil {
			cells[id] = &cell{keys: keys, other: other}
			if d.base.Bucket != nil && level > 0 && !keys[0].IsNull() {
				cells[id].place = slices.Index(starts, keys[0].Int())
			}
		}
		return cells[id]
	}
	if level == 0 {
		if d.keyCount() == 0 {
			add(nil, false)
		} else {
			add(make([]query.Value, d.keyCount()), false)
		}
	}
	for row := range all.Len {
		at := field(all, row, timeField)
		if !within(r, at) || !holds(d.base.Filter, all, row) {
			continue
		}
		if keys, other, kept := d.keys(all, row, at, level, top); kept {
			c := add(keys, other)
			c.rows = append(c.rows, row)
		}
	}
	if d.request.Time != nil && d.request.Time.Fill && level > 0 {
		if r == query.Unbounded {
			starts = d.starts(extent(cells))
		}
		d.fill(cells, starts, level, add)
	}
	return d.withSoFar(cells)
}

// extent is the range from the first bucket to the last.
func extent(cells map[string]*cell) query.Range {
	r := query.Range{}
	for _, c := range cells {
		if at := c.keys[0]; !at.IsNull() {
			if r == (query.Range{}) {
				r = query.Range{From: at.Int(), To: at.Int() + 1}
			}
			r.From, r.To = min(r.From, at.Int()), max(r.To, at.Int()+1)
		}
	}
	return r
}

// keys returns the keys of a row at a level, and whether the row is kept.
func (d derivation) keys(all rows.Batch, row int, at query.Value, level int, top map[string]bool) (keys []query.Value, other, kept bool) {
	keys = keysOf(d.base, all, row, at)
	for i := level; i < len(keys); i++ {
		keys[i] = query.Value{}
	}
	if i := d.topAt(); i >= 0 && i < level && !top[identity(keys[i:i+1])] {
		keys[i] = query.Value{}
		return keys, true, d.request.Top.Other
	}
	return keys, false, true
}

// topAt is the place among the keys of the dimension whose first values are kept.
func (d derivation) topAt() int {
	if d.request.Top == nil {
		return -1
	}
	return boolInt(d.base.Bucket != nil) + int(d.request.Top.Dimension[1]-'0')
}

func (d derivation) fill(cells map[string]*cell, starts []int64, level int, add func([]query.Value, bool) *cell) {
	var groups []cell
	for _, c := range cells {
		groups = append(groups, *c)
	}
	if len(groups) == 0 && (level == 1 || d.keyCount() == 1) {
		groups = append(groups, cell{keys: make([]query.Value, d.keyCount())})
	}
	for _, g := range groups {
		for _, at := range starts {
			keys := slices.Clone(g.keys)
			keys[0] = query.TimeValue(at)
			add(keys, g.other)
		}
	}
}

// withSoFar gathers for each cell the rows of its group up to its bucket.
func (d derivation) withSoFar(cells map[string]*cell) []cell {
	var out []cell
	for _, c := range cells {
		for _, b := range cells {
			same := len(c.keys) > 0 && c.other == b.other && identity(c.keys[1:]) == identity(b.keys[1:])
			if same && !b.keys[0].IsNull() && (c.keys[0].IsNull() || b.keys[0].Int() <= c.keys[0].Int()) {
				c.sofar = append(c.sofar, b.rows...)
			}
		}
		out = append(out, *c)
	}
	return out
}

// starts lists the buckets that meet a range by looking at every quarter of an hour.
func (d derivation) starts(r query.Range) (out []int64) {
	if d.base.Bucket == nil || r.From == query.Unbounded.From || r.To == query.Unbounded.To {
		return nil
	}
	for at := r.From; at < r.To; at += (15 * time.Minute).Microseconds() {
		if start := bucket(*d.base.Bucket, query.TimeValue(at)).Int(); !slices.Contains(out, start) {
			out = append(out, start)
		}
	}
	return out
}

// top returns the values that are kept.
func (d derivation) top(all rows.Batch) map[string]bool {
	if d.request.Top == nil {
		return nil
	}
	groups := map[string]*cell{}
	i := d.topAt() - boolInt(d.base.Bucket != nil)
	for row := range all.Len {
		if !within(d.base.Range, field(all, row, timeField)) || !holds(d.base.Filter, all, row) {
			continue
		}
		keys := []query.Value{field(all, row, d.base.Dimensions[i].Field)}
		if groups[identity(keys)] == nil {
			groups[identity(keys)] = &cell{keys: keys}
		}
		groups[identity(keys)].rows = append(groups[identity(keys)].rows, row)
	}
	by, byType := 1, query.Int
	if d.request.Top.By == "f" {
		by, byType = 2, query.Float
	}
	var ranked [][]query.Value
	for _, g := range groups {
		ranked = append(ranked, []query.Value{g.keys[0], d.values(all, *g, 1)[by]})
	}
	columns := []query.Column{{Type: query.TypeOf(d.base.Dimensions[i].Field.Type)}, {Type: byType}}
	ranked, _ = orderRows(ranked, columns, []query.Sort{{Column: 1, Desc: true}, {Column: 0}}, d.request.Top.N)
	top := map[string]bool{}
	for _, row := range ranked {
		top[identity(row[:1])] = true
	}
	return top
}

// earlier is the range that a request compares with.
func (d derivation) earlier() query.Range {
	c, r := d.request.Compare, d.base.Range
	from, to := time.UnixMicro(r.From).In(d.zone), time.UnixMicro(r.To).In(d.zone)
	if c.Unit == query.Previous {
		if from.Format("150405") != "000000" || to.Format("150405") != "000000" {
			by := int64(c.Count) * (r.To - r.From)
			return query.Range{From: r.From - by, To: r.To - by}
		}
		days := 0
		for from.AddDate(0, 0, days).Before(to) {
			days++
		}
		return query.Range{From: from.AddDate(0, 0, -days*c.Count).UnixMicro(), To: to.AddDate(0, 0, -days*c.Count).UnixMicro()}
	}
	return query.Range{From: back(from, c).UnixMicro(), To: back(to, c).UnixMicro()}
}

func back(t time.Time, c *query.Compare) time.Time {
	switch c.Unit {
	case query.ShiftDay:
		return t.AddDate(0, 0, -c.Count)
	case query.ShiftWeek:
		return t.AddDate(0, 0, -7*c.Count)
	}
	months := c.Count * map[query.ShiftUnit]int{query.ShiftMonth: 1, query.ShiftQuarter: 3, query.ShiftYear: 12}[c.Unit]
	for missing := 0; ; missing++ { // a day that the month lacks is its last
		at := time.Date(t.Year(), t.Month()-time.Month(months), t.Day()-missing, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
		want := time.Date(t.Year(), t.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
		if at.Month() == want.Month() {
			return at
		}
	}
}
