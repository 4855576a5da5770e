package query

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
)

// Partial is how the answer of an aggregate plan is put together from the answers of
// another one over disjoint sets of rows.
type Partial struct {
	Plan   AggregatePlan // over each set: rows in the order of the keys, and all of them
	whole  AggregatePlan
	finals []final // of each measure of the whole
}

// final makes a measure of measures of the partial plan.
type final struct{ value, count int } // count is -1 but for averages

// MaxPartialRows bounds the answer of a partial plan. Past it merging costs as much as
// asking anew.
const MaxPartialRows = 200_000

// Partial returns how p's answers can be merged. They cannot where a measure needs to
// see all values of a group at once: distinct counts and quantiles. Nor can they where
// a filter needs to see all rows: an audience is of all of them.
func (p AggregatePlan) Partial() (Partial, bool) {
	if !p.Rowwise() {
		return Partial{}, false
	}
	out := Partial{whole: p, Plan: AggregatePlan{Rows: p.Rows, Keys: p.Keys, Order: p.Keys.ordered(), Limit: MaxPartialRows}}
	places := map[string]int{}
	place := func(m Aggregand) int {
		m.Name = ""
		text, _ := json.Marshal(m) // holds nothing that cannot be marshalled
		at, ok := places[string(text)]
		if !ok {
			at = len(out.Plan.Measures)
			places[string(text)] = at
			out.Plan.Measures = append(out.Plan.Measures, m)
		}
		return at
	}
	for _, m := range p.Measures {
		switch m.Op {
		case Count, Sum, Min, Max:
			out.finals = append(out.finals, final{place(m), -1})
		case Avg:
			m.Op = Sum
			sum := place(m)
			m.Op = Count
			out.finals = append(out.finals, final{sum, place(m)})
		default:
			return Partial{}, false
		}
	}
	return out, true
}

// Rowwise reports whether a row's part in the answer depends on its group's rows alone,
// and not on any that an audience looks at.
func (p AggregatePlan) Rowwise() bool {
	return !p.Filter.namesAudience() && !slices.ContainsFunc(p.Measures, func(m Aggregand) bool { return m.Filter.namesAudience() })
}

// Merge merges two answers of the partial plan into the one over both sets of rows.
// It shares rows with them. A row that it made of several has, after its measures, how
// large the sums of each were together, whatever their signs.
func (p Partial) Merge(a, b [][]Value) [][]Value {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([][]Value, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compareRows(a[0], b[0], p.Plan.Order); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, p.combine(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// combine merges two rows of one group.
func (p Partial) combine(a, b []Value) []Value {
	keys, measures := len(p.Plan.Order), len(p.Plan.Measures)
	row := make([]Value, keys+2*measures)
	copy(row, a[:keys])
	for i, m := range p.Plan.Measures {
		at := keys + i
		row[at] = combine(m.Op, a[at], b[at])
		if row[at].kind == kindFloat && m.Op == Sum {
			row[at+measures] = FloatValue(p.magnitude(a, at) + p.magnitude(b, at))
		}
	}
	return row
}

// magnitude is how large the sums are that a sum is made of.
func (p Partial) magnitude(row []Value, at int) float64 {
	if made := at + len(p.Plan.Measures); made < len(row) {
		return row[made].Float() // of nulls zero
	}
	return math.Abs(row[at].Float())
}

// blurred reports whether a sum has lost digits, because it is small beside what it is
// made of: floats are summed exactly to the last bit within a set of rows, but not
// among sets.
func (p Partial) blurred(row []Value) bool {
	const most = 1 << 10 // of 53 bits ten may be lost
	for i, m := range p.Plan.Measures {
		if at := len(p.Plan.Order) + i; m.Op == Sum && row[at].kind == kindFloat && p.magnitude(row, at) > most*math.Abs(row[at].Float()) {
			return true
		}
	}
	return false
}

func combine(op Op, v, w Value) Value {
	switch {
	case v.IsNull():
		return w
	case w.IsNull():
		return v
	case op == Min && v.compare(w) > 0 || op == Max && v.compare(w) < 0:
		return w
	case op == Min || op == Max:
		return v
	case v.kind == kindFloat:
		return FloatValue(v.Float() + w.Float())
	}
	return plus(v, w)
}

// plus adds ints of any size.
func plus(v, w Value) Value {
	if v.kind == kindInt && w.kind == kindInt {
		a, b := v.Int(), w.Int()
		if sum := a + b; (sum > a) == (b > 0) {
			return IntValue(sum)
		}
	}
	return BigValue(new(big.Int).Add(v.whole(), w.whole()))
}

// Finish turns a merged answer into the whole plan's: its measures, its order, its
// limit. It is not exact where sums cancelled each other out among the sets of rows.
func (p Partial) Finish(merged [][]Value) (rows [][]Value, truncated, exact bool) {
	keys := len(p.Plan.Order)
	exact = !slices.ContainsFunc(merged, p.blurred)
	rows = make([][]Value, len(merged))
	memory := make([]Value, len(merged)*(keys+len(p.finals)))
	for i, from := range merged {
		row := memory[i*(keys+len(p.finals)):][: keys+len(p.finals) : keys+len(p.finals)]
		copy(row, from[:keys])
		for k, f := range p.finals {
			row[keys+k] = f.of(from[keys:])
		}
		rows[i] = row
	}
	rows, truncated = Arrange(rows, p.whole.Order, p.whole.Limit)
	return rows, truncated, exact
}

func (f final) of(measures []Value) Value {
	sum := measures[f.value]
	if f.count < 0 || sum.IsNull() {
		return sum
	}
	total := sum.Float()
	if sum.kind != kindFloat {
		total, _ = new(big.Float).SetInt(sum.whole()).Float64()
	}
	return FloatValue(total / float64(measures[f.count].Int()))
}

// Arrange puts the rows of an answer in order and cuts them off at a limit. It may
// change the order of rows.
func Arrange(rows [][]Value, order []Sort, limit int) (_ [][]Value, truncated bool) {
	compare := func(a, b []Value) int { return compareRows(a, b, order) }
	if len(rows) > 8*limit { // the rest need no order among themselves
		rows = least(rows, limit+1, compare)
	}
	if !slices.IsSortedFunc(rows, compare) {
		slices.SortFunc(rows, compare)
	}
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

// least returns the n first of rows in an order.
func least(rows [][]Value, n int, compare func(a, b []Value) int) [][]Value {
	kept := make([][]Value, 0, n+1)
	for _, row := range rows {
		if len(kept) == n && compare(row, kept[n-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(kept, row, compare)
		kept = slices.Insert(kept, at, row)
		if len(kept) > n {
			kept = kept[:n]
		}
	}
	return kept
}
