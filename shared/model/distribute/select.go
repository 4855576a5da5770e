package distribute

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// query returns what a SELECT gives, or several that are put together.
func (a *analysis) query(v any) (relation, error) {
	n, ok := isNode(v)
	if !ok {
		return relation{}, refuse("a query of an unknown form")
	}
	end, err := a.with(n)
	defer end()
	if err != nil {
		return relation{}, err
	}
	var r relation
	switch text(n["type"]) {
	case "SELECT_NODE":
		return a.selected(n)
	case "SET_OPERATION_NODE":
		r, err = a.together(n)
	default:
		return relation{}, refuse("a query that names itself cannot be looked through")
	}
	if err == nil {
		err = a.modifiers(n, r, scope{a: a, from: r})
	}
	return r, err
}

// together is UNION, EXCEPT or INTERSECT.
func (a *analysis) together(n node) (relation, error) {
	l, err := a.query(n["left"])
	if err != nil {
		return l, err
	}
	r, err := a.query(n["right"])
	if err != nil {
		return r, err
	}
	out := relation{keyed: l.keyed || r.keyed, unnamed: l.unnamed || r.unnamed}
	if !out.keyed {
		out.columns = l.columns
		return out, nil
	}
	kind := text(n["setop_type"])
	if kind == "UNION_BY_NAME" || len(l.columns) != len(r.columns) || out.unnamed {
		return out, refuse("the columns of two queries that are put together cannot be told").WithHint("name the columns, in the same order, in both")
	}
	if !l.keyed || !r.keyed {
		return out, refuse("one of two queries that are put together reads nothing that is parted: its rows would stand in each part")
	}
	shared := false
	for i, c := range l.columns {
		c.level = a.coarser(c.level, r.columns[i].level)
		c.own = c.level
		shared = shared || c.level != nothing
		out.columns = append(out.columns, c)
	}
	all, _ := n["setop_all"].(bool)
	if !shared && !(kind == "UNION" && all) {
		return out, refuse("%s compares rows of one part with those of another", kind).WithHint("select the column that tells the part in both, at the same place")
	}
	return out, nil
}

// modifiers checks what follows a query.
func (a *analysis) modifiers(n node, r relation, s scope) error {
	for _, v := range list(n["modifiers"]) {
		m, _ := isNode(v)
		switch text(m["type"]) {
		case "ORDER_MODIFIER":
			for _, o := range list(m["orders"]) {
				order, _ := isNode(o)
				if err := a.expression(order["expression"], s); err != nil {
					return err
				}
			}
		case "DISTINCT_MODIFIER":
			on := list(m["distinct_on_targets"])
			told := slices.ContainsFunc(on, func(v any) bool { return a.tells(s.level(v)) })
			if len(on) == 0 {
				told = slices.ContainsFunc(r.columns, func(c column) bool { return a.tells(c.level) })
			}
			if r.keyed && !told {
				return refuse("DISTINCT compares rows of one part with those of another").WithHint("select the column that tells the part")
			}
		default:
			if r.keyed {
				return refuse("LIMIT counts rows of all parts together").WithHint("keep the first rows of each part with QUALIFY row_number() OVER (PARTITION BY … ORDER BY …)")
			}
		}
	}
	return nil
}

// selected is one SELECT.
func (a *analysis) selected(n node) (relation, error) {
	from, err := a.from(n["from_table"])
	if err != nil {
		return from, err
	}
	s := scope{a: a, from: from, items: list(n["select_list"])}
	for _, v := range slices.Concat(list(n["select_list"]), list(n["group_expressions"]), []any{n["where_clause"], n["having"], n["qualify"]}) {
		if err := a.expression(v, s); err != nil {
			return from, err
		}
	}
	if from.keyed {
		if n["sample"] != nil {
			return from, refuse("a sample is taken of all parts together")
		}
		if err := a.groups(n, s); err != nil {
			return from, err
		}
	}
	out := relation{keyed: from.keyed}
	for _, item := range s.items {
		columns, unnamed := s.item(item)
		out.columns = append(out.columns, columns...)
		out.unnamed = out.unnamed || unnamed
	}
	return out, a.modifiers(n, out, s)
}

// groups checks that rows of different parts are never in one group.
func (a *analysis) groups(n node, s scope) error {
	by := list(n["group_expressions"])
	sets := list(n["group_sets"])
	switch {
	case text(n["aggregate_handling"]) == "FORCE_AGGREGATES": // GROUP BY ALL
		by, sets = nil, nil
		for _, item := range s.items {
			if !aggregates(item) {
				by = append(by, item)
			}
		}
	case len(by) == 0 && n["having"] == nil && !slices.ContainsFunc(s.items, aggregates):
		return nil
	}
	if len(sets) == 0 {
		all := make([]any, len(by))
		for i := range by {
			all[i] = json.Number(strconv.Itoa(i))
		}
		sets = []any{all}
	}
	for _, set := range sets {
		if !slices.ContainsFunc(list(set), func(at any) bool {
			i, err := strconv.Atoi(fmt.Sprint(at))
			return err == nil && i < len(by) && a.tells(s.grouped(by[i]))
		}) {
			return refuse("rows of several parts would be in one group").WithHint("group by the column that tells the part, too")
		}
	}
	return nil
}
