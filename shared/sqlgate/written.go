package sqlgate

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Of two things DuckDB's writer makes others: a float without an exponent reads as a
// decimal, and VALUES after FROM reads as a subquery around them. The first is
// written as a cast, the second is seen through.

// castFloat makes a constant float a cast from its text.
func castFloat(n node) {
	value, _ := n["value"].(node)
	kind, _ := value["type"].(node)
	if text(kind["id"]) != "DOUBLE" || isNone(value["value"]) {
		return
	}
	digits, ok := value["value"].(json.Number)
	if !ok {
		return
	}
	n["child"] = node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "query_location": n["query_location"],
		"value": node{"type": node{"id": "VARCHAR", "type_info": nil}, "is_null": false, "value": digits.String()}}
	n["class"], n["type"], n["cast_type"], n["try_cast"] = "CAST", "OPERATOR_CAST", node{"id": "DOUBLE", "type_info": nil}, false
	delete(n, "value")
}

// same compares trees without the places that their parts had in the texts.
func same(a, b any) bool {
	switch a := a.(type) {
	case node:
		b, ok := b.(node)
		a = valuesOf(a)
		b = valuesOf(b)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, has := b[name]; !has || name != "query_location" && !same(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	}
	return reflect.DeepEqual(a, b)
}

// valuesAlias is the name that the parser gives VALUES.
const valuesAlias = "valueslist"

// valuesOf returns the VALUES that a subquery selects without doing anything to them,
// or else the node itself.
func valuesOf(n node) node {
	if text(n["type"]) != "SUBQUERY" || text(n["alias"]) != valuesAlias || !isNone(n["column_name_alias"]) || n["class"] != nil {
		return n
	}
	envelope, _ := n["subquery"].(node)
	inner, _ := envelope["node"].(node)
	values, _ := inner["from_table"].(node)
	if text(values["type"]) == "SUBQUERY" {
		values = valuesOf(values)
	}
	if text(values["type"]) != "EXPRESSION_LIST" || !selectsAll(inner) {
		return n
	}
	return values
}

// selectsAll reports whether a query is SELECT * of its table and no more.
func selectsAll(n node) bool {
	stars := list(n["select_list"])
	if text(n["type"]) != "SELECT_NODE" || len(stars) != 1 {
		return false
	}
	star, _ := stars[0].(node)
	if text(star["class"]) != "STAR" {
		return false
	}
	for _, field := range slices.Sorted(maps.Keys(star)) {
		if !strings.Contains("class type query_location", field) && !isNone(star[field]) {
			return false
		}
	}
	for _, field := range slices.Sorted(maps.Keys(n)) {
		switch field {
		case "type", "select_list", "from_table", "aggregate_handling":
		case "cte_map":
			ctes, _ := n[field].(node)
			if !isNone(ctes["map"]) {
				return false
			}
		default:
			if !isNone(n[field]) {
				return false
			}
		}
	}
	return true
}
