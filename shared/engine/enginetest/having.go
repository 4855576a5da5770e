package enginetest

import (
	"encoding/json"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// drawHaving draws a condition on the measures m0 and m1, which are ints.
func drawHaving(t *rapid.T, depth int) query.Filter {
	if depth > 0 {
		switch rapid.IntRange(0, 3).Draw(t, "having node") {
		case 0:
			return query.Filter{And: []query.Filter{drawHaving(t, depth-1), drawHaving(t, depth-1)}}
		case 1:
			return query.Filter{Or: []query.Filter{drawHaving(t, depth-1), drawHaving(t, depth-1)}}
		case 2:
			operand := drawHaving(t, depth-1)
			return query.Filter{Not: &operand}
		}
	}
	ops := []query.Comparison{query.Equal, query.NotEqual, query.Less, query.LessEqual, query.Greater, query.GreaterEqual, query.IsNull, query.IsNotNull}
	f := query.Filter{Column: rapid.SampledFrom([]string{"m0", "m1"}).Draw(t, "having"), Op: rapid.SampledFrom(ops).Draw(t, "having op")}
	if f.Op != query.IsNull && f.Op != query.IsNotNull {
		f.Value = json.Number(strconv.Itoa(rapid.IntRange(-1, 4).Draw(t, "having value")))
	}
	return f
}

// having keeps the rows that match.
func (d derivation) having(rows [][]query.Value, columns []query.Column) [][]query.Value {
	if d.request.Having == nil {
		return rows
	}
	return slices.DeleteFunc(rows, func(row []query.Value) bool { return matches(*d.request.Having, row, columns) != yes })
}

func matches(f query.Filter, row []query.Value, columns []query.Column) truth {
	switch {
	case f.And != nil:
		return min(matches(f.And[0], row, columns), matches(f.And[1], row, columns))
	case f.Or != nil:
		return max(matches(f.Or[0], row, columns), matches(f.Or[1], row, columns))
	case f.Not != nil:
		return -matches(*f.Not, row, columns)
	}
	v := row[slices.IndexFunc(columns, func(c query.Column) bool { return c.Name == f.Column })]
	switch {
	case f.Op == query.IsNull:
		return truthOf(v.IsNull())
	case f.Op == query.IsNotNull:
		return truthOf(!v.IsNull())
	case v.IsNull():
		return null
	}
	n, _ := f.Value.(json.Number).Int64() // it was drawn as one
	return truthOf(compares(query.Expr{Node: query.Node(f.Op), Field: &query.Field{Type: dataset.Int}, Values: []query.Value{query.IntValue(n)}}, v))
}
