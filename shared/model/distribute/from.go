package distribute

import (
	"maps"
	"slices"
	"strings"
)

// from returns what a FROM gives.
func (a *analysis) from(v any) (relation, error) {
	n, ok := isNode(v)
	if !ok {
		return relation{}, nil
	}
	var r relation
	var err error
	switch text(n["type"]) {
	case "EMPTY":
	case "BASE_TABLE":
		r, err = a.table(n)
	case "SUBQUERY":
		s, _ := isNode(n["subquery"])
		if r, err = a.query(s["node"]); err == nil {
			r = named(r, lower(n["alias"]), n["column_name_alias"])
		}
	case "JOIN":
		r, err = a.join(n)
	case "EXPRESSION_LIST":
		r = named(relation{unnamed: true}, lower(n["alias"]), nil)
	case "TABLE_FUNCTION":
		r = relation{unnamed: true}
		err = a.expression(n["function"], scope{a: a})
	default:
		err = refuse("%s after FROM cannot be looked through", text(n["type"]))
	}
	if err == nil && r.keyed && n["sample"] != nil {
		err = refuse("a sample is taken of all parts together")
	}
	return r, err
}

// table is a dataset, or what WITH has made.
func (a *analysis) table(n node) (relation, error) {
	name, alias := lower(n["table_name"]), lower(n["alias"])
	if alias == "" {
		alias = name
	}
	if r, ok := a.ctes[name]; ok && text(n["schema_name"]) == "" {
		return named(r, alias, n["column_name_alias"]), nil
	}
	s, ok := a.sources[name]
	if !ok {
		return relation{}, refuse("the table %q is not known", name)
	}
	r := relation{keyed: s.Key != ""}
	for _, c := range s.Columns {
		col := column{name: lower(c)}
		if s.Key != "" && strings.EqualFold(s.Key, c) {
			col.level = exact
		}
		r.columns = append(r.columns, col)
	}
	return named(r, alias, n["column_name_alias"]), nil
}

// named is a relation under a name, with some of its columns renamed.
func named(r relation, alias string, names any) relation {
	r.columns = slices.DeleteFunc(slices.Clone(r.columns), func(c column) bool { return c.hidden })
	for i := range r.columns {
		r.columns[i].table, r.columns[i].own = alias, r.columns[i].level
	}
	for i, name := range list(names) {
		if i < len(r.columns) {
			r.columns[i].name = lower(name)
		}
	}
	return r
}

// join is two tables, of which the parts meet or one is not parted.
func (a *analysis) join(n node) (relation, error) {
	l, err := a.from(n["left"])
	if err != nil {
		return l, err
	}
	r, err := a.from(n["right"])
	if err != nil {
		return r, err
	}
	both := relation{columns: slices.Concat(l.columns, r.columns), keyed: l.keyed || r.keyed, unnamed: l.unnamed || r.unnamed}
	if err := a.expression(n["condition"], scope{a: a, from: both}); err != nil {
		return both, err
	}
	if both.keyed {
		if err := a.joins(n, l, r); err != nil {
			return both, err
		}
	}
	kind := text(n["join_type"])
	if kind == "SEMI" || kind == "ANTI" {
		both.columns = l.columns
		return both, nil
	}
	for i := range both.columns {
		c, left := &both.columns[i], i < len(l.columns)
		if kind == "FULL" || kind == "OUTER" || kind == "LEFT" && !left || kind == "RIGHT" && left {
			c.level, c.own = nothing, nothing // null where the other side has no row
		}
	}
	a.using(both, l, r, n)
	return both, nil
}

// joins refuses a join that brings rows of different parts together.
func (a *analysis) joins(n node, l, r relation) error {
	kind, way := text(n["join_type"]), text(n["ref_type"])
	if way == "POSITIONAL" || way == "NATURAL" {
		return refuse("a %s join does not say on what parts meet", way).WithHint("write JOIN … USING or ON")
	}
	if l.keyed && r.keyed && !a.meets(n, l, r) {
		return refuse("two inputs that are parted are joined without the part: rows of one part would meet those of another").
			WithHint("join them on the column that tells the part, too, or name one of them under whole")
	}
	if l.keyed != r.keyed && keepsWhole(kind, l.keyed) {
		return refuse("a %s join keeps rows of an input that is not parted: they would stand in each part", kind)
	}
	return nil
}

// keepsWhole tells whether a join of a parted table and one that is not keeps rows of the
// latter that meet none.
func keepsWhole(kind string, leftKeyed bool) bool {
	switch kind {
	case "INNER":
		return false
	case "LEFT", "SEMI", "ANTI":
		return !leftKeyed
	case "RIGHT":
		return leftKeyed
	}
	return true
}

// using makes one column of each pair that USING names: the left one is known by the name
// alone, both by the names of their tables.
func (a *analysis) using(both, l, r relation, n node) {
	for _, u := range list(n["using_columns"]) {
		i, j := find(l.columns, "", lower(u)), find(r.columns, "", lower(u))
		if i < 0 || j < 0 {
			continue
		}
		merged, right := &both.columns[i], &both.columns[len(l.columns)+j]
		right.hidden = true
		switch text(n["join_type"]) {
		case "RIGHT":
			merged.level = r.columns[j].level
		case "FULL", "OUTER":
			merged.level = a.coarser(l.columns[i].level, r.columns[j].level)
		}
	}
}

// meets reports whether rows of two tables meet only where they are of the same part.
func (a *analysis) meets(n node, l, r relation) bool {
	for _, u := range list(n["using_columns"]) {
		i, j := find(l.columns, "", lower(u)), find(r.columns, "", lower(u))
		if i >= 0 && j >= 0 && a.tells(l.columns[i].level) && a.tells(r.columns[j].level) {
			return true
		}
	}
	return a.equates(n["condition"], l, r)
}

// equates looks for an equality of both parts among the conditions that must all be true.
func (a *analysis) equates(v any, l, r relation) bool {
	c, ok := isNode(v)
	if !ok {
		return false
	}
	switch text(c["type"]) {
	case "CONJUNCTION_AND":
		return slices.ContainsFunc(list(c["children"]), func(v any) bool { return a.equates(v, l, r) })
	case "COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM":
		of := func(v any, r relation) bool { return a.tells(scope{a: a, from: r}.level(v)) }
		return of(c["left"], l) && of(c["right"], r) || of(c["left"], r) && of(c["right"], l)
	}
	return false
}

// with adds what WITH makes to what names mean, until the function that it returns is
// called.
func (a *analysis) with(n node) (end func(), err error) {
	before := maps.Clone(a.ctes)
	end = func() { a.ctes = before }
	m, _ := isNode(n["cte_map"])
	for _, v := range list(m["map"]) {
		entry, _ := isNode(v)
		value, _ := isNode(entry["value"])
		q, _ := isNode(value["query"])
		r, err := a.query(q["node"])
		if err != nil {
			return end, err
		}
		a.ctes[lower(entry["key"])] = named(r, lower(entry["key"]), value["aliases"])
	}
	return end, nil
}
