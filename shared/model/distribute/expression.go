package distribute

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/sqlgate"
)

// scope is what the names in an expression mean.
type scope struct {
	a     *analysis
	from  relation
	items []any // of the SELECT, whose names may be used as well
}

// find returns the column of a name; where it is missing, or there are several, -1.
func find(columns []column, table, name string) int {
	at := -1
	for i, c := range columns {
		if c.name != name || table != "" && c.table != table || table == "" && c.hidden {
			continue
		}
		if at >= 0 {
			return -1
		}
		at = i
	}
	return at
}

// level tells how closely an expression tells the part of its row.
func (s scope) level(v any) level { return s.levelWithin(v, 0) }

func (s scope) levelWithin(v any, depth int) level {
	n, ok := isNode(v)
	if !ok || depth > maxDepth {
		return nothing
	}
	switch text(n["class"]) {
	case "COLUMN_REF":
		return s.reference(n, depth)
	case "CAST":
		return s.cast(n, depth)
	case "FUNCTION":
		if name := lower(n["function_name"]); (name == "date_trunc" || name == "datetrunc") && s.a.grain != "" {
			return s.truncated(list(n["children"]), depth)
		}
	}
	return nothing
}

// maxDepth ends names that mean themselves.
const maxDepth = 50

func (s scope) reference(n node, depth int) level {
	names := list(n["column_names"])
	if len(names) == 0 || len(names) > 3 {
		return nothing
	}
	table, name := "", lower(names[len(names)-1])
	if len(names) > 1 {
		table = lower(names[len(names)-2])
	}
	if i := find(s.from.columns, table, name); i >= 0 && table == "" {
		return s.from.columns[i].level
	} else if i >= 0 {
		return s.from.columns[i].own
	}
	if table != "" || slices.ContainsFunc(s.from.columns, func(c column) bool { return c.name == name }) {
		return nothing
	}
	for _, item := range s.items {
		if i, _ := isNode(item); lower(i["alias"]) == name {
			return s.levelWithin(item, depth+1)
		}
	}
	return nothing
}

// cast keeps what a time tells, and cuts it where it makes a day of it.
func (s scope) cast(n node, depth int) level {
	l := s.levelWithin(n["child"], depth+1)
	to, _ := isNode(n["cast_type"])
	switch id := text(to["id"]); {
	case s.a.grain == "" || l == nothing:
		return nothing
	case id == "DATE" && (l == exact || l == toHour):
		return toDay
	case id == "DATE" || id == "TIMESTAMP" || id == "TIMESTAMP WITH TIME ZONE":
		return l
	}
	return nothing
}

// truncated is date_trunc of a constant.
func (s scope) truncated(args []any, depth int) level {
	if len(args) != 2 {
		return nothing
	}
	unit, _ := isNode(args[0])
	value, _ := isNode(unit["value"])
	cut, l := cuts[lower(value["value"])], s.levelWithin(args[1], depth+1)
	switch {
	case l == nothing || cut == nothing:
		return nothing
	case l == toWeek && cut == toMonth:
		return nothing
	}
	return max(l, cut)
}

// grouped is the level of an expression of GROUP BY: a place in the list, or an
// expression.
func (s scope) grouped(v any) level {
	n, _ := isNode(v)
	if text(n["class"]) == "CONSTANT" {
		value, _ := isNode(n["value"])
		at, err := strconv.Atoi(fmt.Sprint(value["value"]))
		if err != nil || at < 1 || at > len(s.items) {
			return nothing
		}
		v = s.items[at-1]
	}
	return s.level(v)
}

// item returns the columns that an item of a SELECT gives, and whether there are some that
// nobody can name.
func (s scope) item(v any) (columns []column, unnamed bool) {
	n, _ := isNode(v)
	if text(n["class"]) != "STAR" {
		name := lower(n["alias"])
		if names := list(n["column_names"]); name == "" && len(names) > 0 {
			name = lower(names[len(names)-1])
		}
		return []column{{name: name, level: s.level(n)}}, false
	}
	if len(list(n["replace_list"])) > 0 || len(list(n["rename_list"])) > 0 || len(list(n["qualified_exclude_list"])) > 0 || n["expr"] != nil {
		return nil, true
	}
	if columns, _ := n["columns"].(bool); columns {
		return nil, true
	}
	table := lower(n["relation_name"])
	for _, c := range s.from.columns {
		if table != "" && c.table != table || table == "" && c.hidden || slices.ContainsFunc(list(n["exclude_list"]), func(x any) bool { return lower(x) == c.name }) {
			continue
		}
		level := c.level
		if table != "" {
			level = c.own
		}
		columns = append(columns, column{name: c.name, level: level})
	}
	return columns, s.from.unnamed
}

// aggregates reports whether an expression makes one row of several.
func aggregates(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, aggregates)
	case node:
		class := text(v["class"])
		if class == "SUBQUERY" {
			return false
		}
		if class == "FUNCTION" && sqlgate.Aggregates(lower(v["function_name"])) {
			return true
		}
		for name, part := range v {
			if name != "function_name" && aggregates(part) {
				return true
			}
		}
	}
	return false
}

// expression refuses what depends on more than the part and its row.
func (a *analysis) expression(v any, s scope) error {
	switch v := v.(type) {
	case []any:
		for _, part := range v {
			if err := a.expression(part, s); err != nil {
				return err
			}
		}
	case node:
		return a.inner(v, s)
	}
	return nil
}

func (a *analysis) inner(n node, s scope) error {
	name := lower(n["function_name"])
	switch class := text(n["class"]); {
	case class == "SUBQUERY":
		q, _ := isNode(n["subquery"])
		r, err := a.query(q["node"])
		if err != nil {
			return err
		}
		if r.keyed {
			return refuse("a query within an expression reads an input that is parted").WithHint("join it on the column that tells the part")
		}
		return a.expression(n["child"], s)
	case class == "WINDOW" && s.from.keyed:
		if !slices.ContainsFunc(list(n["partitions"]), func(v any) bool { return a.tells(s.level(v)) }) {
			return refuse("the window of %s goes over several parts", name).WithHint("PARTITION BY the column that tells the part, too")
		}
	case class == "FUNCTION" && sqlgate.Volatile(name):
		return changing(name)
	case class == "COLUMN_REF":
		names := list(n["column_names"])
		if word := lower(names[0]); len(names) == 1 && sqlgate.Volatile(word) && find(s.from.columns, "", word) < 0 {
			return changing(word) // current_date needs no parentheses
		}
	case class == "FUNCTION" && s.from.keyed && sqlgate.Aggregates(name) && unordered[name] && !ordered(n):
		return refuse("what %s() gives depends on the order of rows, which is not said", name).WithHint("add ORDER BY within its parentheses, or use min, max or arg_max")
	}
	for _, field := range slices.Sorted(maps.Keys(n)) {
		if err := a.expression(n[field], s); err != nil {
			return err
		}
	}
	return nil
}

func changing(name string) error {
	return refuse("%s is another value each time it is asked", name).WithHint("use the times of the rows")
}

// unordered are the aggregates whose value depends on the order of rows.
var unordered = map[string]bool{
	"any_value": true, "arbitrary": true, "first": true, "last": true, "list": true, "array_agg": true, "string_agg": true, "group_concat": true, "listagg": true,
	"json_group_array": true, "json_group_object": true, "approx_quantile": true, "approx_top_k": true, "reservoir_quantile": true, "mode": true,
}

func ordered(n node) bool {
	o, _ := isNode(n["order_bys"])
	return len(list(o["orders"])) > 0
}
