package sqlgate

// role says what a field of a node may hold.
type role uint8

const (
	plain   role = iota // texts, numbers and truth values
	none                // nothing: null, false, an empty text or list
	tree                // a node, or null
	trees               // a list of nodes
	listed              // a list of objects whose fields are nodes, texts or lists of them
	typed               // a type, or null
	typeds              // a list of types
	special             // what the walk looks after itself
)

// shape lists the fields that a kind of node may have. A field that is not here
// makes the node unknown, and what is unknown is refused.
type shape map[string]role

func with(common shape, own shape) shape {
	out := shape{}
	for _, s := range []shape{common, own} {
		for name, r := range s {
			out[name] = r
		}
	}
	return out
}

var (
	expression = shape{"class": plain, "type": plain, "alias": plain, "query_location": plain}
	from       = shape{"type": plain, "alias": plain, "query_location": plain, "sample": tree}
	body       = shape{"type": plain, "modifiers": trees, "cte_map": special}
	typeInfo   = shape{"type": plain, "alias": none, "extension_info": none}
)

// shapes are by the class of an expression, or the type of any other node.
var shapes = map[string]shape{
	// expressions
	"BETWEEN":     with(expression, shape{"input": tree, "lower": tree, "upper": tree}),
	"CASE":        with(expression, shape{"case_checks": listed, "else_expr": tree}),
	"CAST":        with(expression, shape{"child": tree, "cast_type": typed, "try_cast": plain}),
	"COLLATE":     with(expression, shape{"child": tree, "collation": special}),
	"COLUMN_REF":  with(expression, shape{"column_names": special}),
	"COMPARISON":  with(expression, shape{"left": tree, "right": tree}),
	"CONJUNCTION": with(expression, shape{"children": trees}),
	"CONSTANT":    with(expression, shape{"value": special}),
	"FUNCTION": with(expression, shape{"function_name": special, "schema": special, "catalog": none, "children": trees,
		"filter": tree, "order_bys": tree, "distinct": plain, "is_operator": plain, "export_state": none}),
	"LAMBDA":               with(expression, shape{"lhs": tree, "expr": tree}),
	"OPERATOR":             with(expression, shape{"children": trees}),
	"POSITIONAL_REFERENCE": with(expression, shape{"index": plain}),
	"PARAMETER":            with(expression, shape{"identifier": plain}),
	"STAR": with(expression, shape{"relation_name": plain, "exclude_list": special, "replace_list": listed, "columns": plain, "expr": tree,
		"qualified_exclude_list": listed, "rename_list": listed}),
	"SUBQUERY EXPRESSION": with(expression, shape{"subquery_type": plain, "subquery": special, "child": tree, "comparison_type": plain}),
	"WINDOW": with(expression, shape{"function_name": special, "schema": special, "catalog": none, "children": trees, "partitions": trees,
		"orders": trees, "start": plain, "end": plain, "start_expr": tree, "end_expr": tree, "offset_expr": tree, "default_expr": tree,
		"ignore_nulls": plain, "filter_expr": tree, "exclude_clause": plain, "distinct": plain, "arg_orders": trees}),

	// what can be selected from
	"BASE_TABLE":      with(from, shape{"schema_name": special, "catalog_name": special, "table_name": special, "column_name_alias": special, "at_clause": none}),
	"EMPTY":           from,
	"EXPRESSION_LIST": with(from, shape{"expected_names": special, "expected_types": typeds, "values": special}),
	"JOIN": with(from, shape{"left": tree, "right": tree, "condition": tree, "join_type": plain, "ref_type": special,
		"using_columns": special, "delim_flipped": none, "duplicate_eliminated_columns": none}),
	"SUBQUERY":       with(from, shape{"subquery": special, "column_name_alias": special}),
	"TABLE_FUNCTION": with(from, shape{"function": special, "column_name_alias": special, "with_ordinality": plain}),

	// bodies of queries
	"SELECT_NODE": with(body, shape{"select_list": trees, "from_table": tree, "where_clause": tree, "group_expressions": trees,
		"group_sets": special, "aggregate_handling": plain, "having": tree, "sample": tree, "qualify": tree}),
	"SET_OPERATION_NODE": with(body, shape{"setop_type": plain, "setop_all": plain, "left": tree, "right": tree}),
	"RECURSIVE_CTE_NODE": with(body, shape{"cte_name": special, "union_all": plain, "left": tree, "right": tree, "aliases": special, "key_targets": trees}),

	// what follows a body
	"DISTINCT_MODIFIER":      {"type": plain, "distinct_on_targets": trees},
	"LIMIT_MODIFIER":         {"type": plain, "limit": tree, "offset": tree},
	"LIMIT_PERCENT_MODIFIER": {"type": plain, "limit": tree, "offset": tree},
	"ORDER_MODIFIER":         {"type": plain, "orders": trees},
	"ORDER":                  {"type": plain, "null_order": plain, "expression": tree},
	"SAMPLE":                 {"sample_size": special, "is_percentage": plain, "method": plain, "seed": plain},

	// details of types
	"ARRAY_TYPE_INFO":   with(typeInfo, shape{"child_type": typed, "size": plain}),
	"DECIMAL_TYPE_INFO": with(typeInfo, shape{"width": plain, "scale": plain}),
	"LIST_TYPE_INFO":    with(typeInfo, shape{"child_type": typed}),
	"STRUCT_TYPE_INFO":  with(typeInfo, shape{"child_types": special}),
	"UNBOUND_TYPE_INFO": with(typeInfo, shape{"name": special, "catalog": none, "schema": none, "user_type_modifiers": special}),
}

// kindOf names a node's shape. The fields of samples tell what they are; the types
// of orders say which way.
func kindOf(n node) string {
	if class, ok := n["class"].(string); ok {
		if class == "SUBQUERY" {
			return "SUBQUERY EXPRESSION" // there is a table of that type too
		}
		if _, known := shapes[class]; known && expressions[class] {
			return class
		}
		return ""
	}
	kind, ok := n["type"].(string)
	switch {
	case !ok && n["sample_size"] != nil:
		return "SAMPLE"
	case orders[kind]:
		return "ORDER"
	case expressions[kind] || shapes[kind] == nil:
		return ""
	}
	return kind
}

var orders = map[string]bool{"ASCENDING": true, "DESCENDING": true, "ORDER_DEFAULT": true}

// expressions are the kinds whose nodes have a class.
var expressions = func() map[string]bool {
	out := map[string]bool{}
	for kind, s := range shapes {
		if _, has := s["class"]; has {
			out[kind] = true
		}
	}
	return out
}()
