package query

import (
	"math"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Split is a plan with measures that need to see all values of a group at once, parted
// into plans whose answers can be merged. All of them answer groups in the order of
// their keys.
type Split struct {
	Rest  AggregatePlan // the other measures, after the number of rows
	Apart []Apart       // the measures that are asked apart, in the order of the whole's
	whole AggregatePlan
}

// Apart asks for the values that a measure looks at: one of its plans is there.
type Apart struct {
	Distinct *DistinctPlan  // counts each value once
	Spread   *AggregatePlan // has the value as the last key, and counts its rows
	measure  Aggregand
	keys     int
}

// Split parts a plan with distinct counts, medians or quantiles. Values are followed as
// text where they are counted; a float has two zeros, which are one value and two
// texts, and is counted by what it is grouped by.
func (p AggregatePlan) Split() (Split, bool) {
	out := Split{Rest: p, whole: p}
	out.Rest.Order, out.Rest.Limit = p.Keys.ordered(), MaxPartialRows
	out.Rest.Measures = []Aggregand{{Name: "rows", Op: Count}} // so that there is a row of every group
	for _, m := range p.Measures {
		switch {
		case !m.holistic():
			out.Rest.Measures = append(out.Rest.Measures, m)
		case m.Via != "":
			return out, false
		default:
			out.Apart = append(out.Apart, p.apart(m))
		}
	}
	if slices.ContainsFunc(p.Dimensions, func(g Group) bool { return g.Via != "" }) {
		return out, false
	}
	_, mergeable := out.Rest.Partial()
	return out, mergeable && len(out.Apart) > 0
}

// holistic reports whether a measure needs to see all values of a group at once.
func (m Aggregand) holistic() bool { return m.Op == CountDistinct || m.Op == Quantile }

func (p AggregatePlan) apart(m Aggregand) Apart {
	out := Apart{measure: m, keys: len(p.Keys.Columns())}
	if m.Op == CountDistinct && m.Field.Type != dataset.Float {
		out.Distinct = &DistinctPlan{Rows: p.Rows, Keys: p.Keys, Of: *m.Field, When: m.Filter, Limit: MaxPartialRows}
		return out
	}
	keys := p.Keys
	keys.Dimensions = append(slices.Clone(keys.Dimensions), Group{Name: "value", Field: *m.Field})
	out.Spread = &AggregatePlan{Rows: p.Rows, Keys: keys, Measures: []Aggregand{{Name: "rows", Op: Count, Filter: m.Filter}},
		Order: keys.ordered(), Limit: MaxPartialRows}
	return out
}

// Fold makes the measure of each group of the answer of Spread.
func (a Apart) Fold(spread [][]Value) (rows [][]Value) {
	var order []Sort
	for i := range a.keys {
		order = append(order, Sort{Column: i})
	}
	for len(spread) > 0 {
		n := 1
		for n < len(spread) && compareRows(spread[n], spread[0], order) == 0 {
			n++
		}
		rows = append(rows, append(slices.Clone(spread[0][:a.keys]), a.fold(spread[:n])))
		spread = spread[n:]
	}
	return rows
}

// fold makes the measure of a group's values, which ascend; nulls are last.
func (a Apart) fold(group [][]Value) Value {
	if n := len(group); group[n-1][a.keys].IsNull() {
		group = group[:n-1]
	}
	values, total := int64(0), int64(0)
	for _, row := range group {
		if n := row[a.keys+1].Int(); n > 0 {
			values, total = values+1, total+n
		}
	}
	if a.measure.Op == CountDistinct {
		return IntValue(values)
	}
	if total == 0 {
		return Value{}
	}
	place := float64(total-1) * a.measure.Q
	low, high := a.ranked(group, int64(math.Floor(place))), a.ranked(group, int64(math.Ceil(place)))
	if low == high {
		return FloatValue(low)
	}
	part := place - math.Floor(place)
	return FloatValue(low*(1-part) + high*part)
}

// ranked returns the value of a rank, from 0, as a float.
func (a Apart) ranked(group [][]Value, rank int64) float64 {
	for _, row := range group {
		if rank -= row[a.keys+1].Int(); rank < 0 {
			return row[a.keys].number()
		}
	}
	return math.NaN() // no rank is past the last
}

// Joined puts the answers of a split plan together: rest are the rows of Rest, and each
// has the rows of a measure apart.
func (s Split) Joined(rest [][]Value, each [][][]Value) (rows [][]Value, truncated bool) {
	keys, order := len(s.whole.Keys.Columns()), s.whole.Keys.ordered()
	for _, from := range rest {
		row := slices.Clone(from[:keys])
		others, apart := from[keys+1:], 0
		for _, m := range s.whole.Measures {
			if !m.holistic() {
				row, others = append(row, others[0]), others[1:]
				continue
			}
			var value Value
			if m.Op == CountDistinct {
				value = IntValue(0)
			}
			if left := each[apart]; len(left) > 0 && compareRows(left[0], from, order) == 0 {
				value, each[apart] = left[0][keys], left[1:]
			}
			row = append(row, value)
			apart++
		}
		rows = append(rows, row)
	}
	return Arrange(rows, s.whole.Order, s.whole.Limit)
}
