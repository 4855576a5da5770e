package query

import "slices"

// ranking keeps the groups of a dimension's first values.
type ranking struct {
	N         int
	Dimension int // of the keys' dimensions
	By        int // slot
	Other     bool
}

// rank finds the values that a ranking keeps: of all rows, with the greatest measure;
// of equal ones the lesser value, null last.
func (e *evaluation) rank() ([]Value, error) {
	keys := Keys{Dimensions: []Group{e.Dimensions[e.Top.Dimension]}}
	p := e.plan(e.Rows, keys)
	pushed := e.Top.By < e.ofRows && !e.Base[e.Top.By].approximate()
	if pushed {
		p.Order = []Sort{{Column: 1 + e.exactPlaces()[e.Top.By], Desc: true}, {Column: 0}}
		p.Limit = e.Top.N
	}
	all, truncated, err := e.rows(p)
	if err != nil {
		return nil, err
	}
	if truncated && !pushed {
		return nil, tooManyGroups()
	}
	ranked := make([][]Value, len(all))
	for i, f := range all {
		if _, err := e.complete([]line{{keys: f.row[:1], slots: f.slots}}, p); err != nil {
			return nil, err
		}
		ranked[i] = []Value{f.row[0], f.slots[e.Top.By]}
	}
	slices.SortFunc(ranked, func(a, b []Value) int { return compareRows(a, b, []Sort{{1, true}, {0, false}}) })
	var top []Value
	for _, row := range ranked[:min(len(ranked), e.Top.N)] {
		top = append(top, row[0])
	}
	return top, nil
}

// among is the condition of the rows whose value is kept.
func (r ranking) among(dimensions []Group, top []Value) Expr {
	field := dimensions[r.Dimension].Field
	values, null := split(top)
	kept := Expr{Node: NodeIn, Field: &field, Values: values}
	isNull := Expr{Node: NodeIsNull, Field: &field}
	switch {
	case len(values) == 0 && null:
		return isNull
	case len(values) == 0:
		return Expr{Node: NodeNever, Field: &field}
	case null:
		return normalize(Expr{Node: NodeOr, Args: []Expr{kept, isNull}})
	}
	return normalize(kept)
}

// others is the condition of all other rows.
func (r ranking) others(dimensions []Group, top []Value) Expr {
	field := dimensions[r.Dimension].Field
	values, null := split(top)
	rest := Expr{Node: NodeNotIn, Field: &field, Values: values}
	if len(values) == 0 {
		rest = Expr{Node: NodeIsNotNull, Field: &field}
	}
	if null {
		return normalize(rest)
	}
	return normalize(Expr{Node: NodeOr, Args: []Expr{rest, {Node: NodeIsNull, Field: &field}}})
}

func split(top []Value) (values []Value, null bool) {
	for _, v := range top {
		if v.IsNull() {
			null = true
		} else {
			values = append(values, v)
		}
	}
	return values, null
}

// both is the conjunction of two conditions.
func both(e *Expr, f Expr) *Expr {
	if e != nil {
		f = normalize(Expr{Node: NodeAnd, Args: []Expr{*e, f}})
	}
	return &f
}
