package sqlgate

import (
	"maps"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// own checks the special fields of a kind.
func (w *walk) own(kind string, n node) error {
	switch kind {
	case "FUNCTION", "WINDOW":
		return w.function(n, functions, "the function")
	case "TABLE_FUNCTION":
		return w.tableFunction(n)
	case "BASE_TABLE":
		return w.table(n)
	case "SUBQUERY":
		w.tables[strings.ToLower(text(n["alias"]))] = true
		return firstError(w.aliases(n), w.enclosed(n["subquery"]))
	case "SUBQUERY EXPRESSION":
		return w.enclosed(n["subquery"])
	case "COLUMN_REF":
		return w.column(n)
	case "POSITIONAL_REFERENCE":
		w.whole = true
	case "STAR":
		w.whole = true
		return w.each(n["exclude_list"], w.entry)
	case "JOIN":
		w.whole = w.whole || text(n["ref_type"]) == "NATURAL"
		return firstError(w.plain(n["ref_type"]), w.texts(n["using_columns"]))
	case "EXPRESSION_LIST":
		return firstError(w.texts(n["expected_names"]), w.each(n["values"], func(row any) error { return w.each(row, w.node) }))
	case "SELECT_NODE":
		return w.each(n["group_sets"], func(set any) error { return w.each(set, w.plain) })
	case "RECURSIVE_CTE_NODE":
		w.ctes = append(w.ctes, strings.ToLower(text(n["cte_name"])))
		return firstError(w.cteName(n["cte_name"]), w.texts(n["aliases"]))
	case "CONSTANT":
		return w.value(n["value"])
	case "SAMPLE":
		return w.value(n["sample_size"])
	case "COLLATE":
		return w.collation(n)
	case "STRUCT_TYPE_INFO":
		return w.each(n["child_types"], w.member)
	case "UNBOUND_TYPE_INFO":
		return w.namedType(n)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// function checks a function's name. DuckDB writes some of its own operators with
// the schema main.
func (w *walk) function(n node, allowed map[string]bool, what string) error {
	name, schema := strings.ToLower(text(n["function_name"])), text(n["schema"])
	if schema != "" && schema != "main" {
		return refused("sql_function", what, schema+"."+name).WithHint("write f(x), not x.f()")
	}
	if !allowed[name] {
		return refused("sql_function", what, name).WithHint("docs/sql.md lists the functions there are")
	}
	return nil
}

func (w *walk) tableFunction(n node) error {
	f, ok := n["function"].(node)
	if !ok || kindOf(f) != "FUNCTION" {
		return unknown("a table function of an unknown form")
	}
	w.tables[strings.ToLower(text(n["alias"]))] = true
	w.tables[strings.ToLower(text(f["function_name"]))] = true
	if name := strings.ToLower(text(f["function_name"])); !tableFunctions[name] {
		return refused("sql_table_function", "the table function", name).WithHint("after FROM stand datasets, subqueries, VALUES, unnest, range, generate_series and json_each")
	}
	return firstError(w.aliases(n), w.function(f, tableFunctions, "the table function"), w.fields("FUNCTION", f))
}

// table finds what a table's name means, and puts a dataset into its schema.
func (w *walk) table(n node) error {
	for _, field := range []string{"schema_name", "catalog_name"} {
		if !isNone(n[field]) {
			return refused("sql_table", "the schema", text(n[field])).WithHint("a table is a dataset, by its name alone")
		}
	}
	name := strings.ToLower(text(n["table_name"]))
	w.tables[name], w.tables[strings.ToLower(text(n["alias"]))] = true, true
	if err := w.aliases(n); err != nil {
		return err
	}
	if slices.Contains(w.ctes, name) {
		return nil
	}
	if dataset.Name(name).Check() != nil {
		return refused("sql_table", "the table", name).WithHint("a table is a dataset, by its name alone; files cannot be read")
	}
	w.datasets[dataset.Name(name)] = true
	n["schema_name"], n["table_name"] = Schema, name
	return nil
}

// aliases checks new names of a table's columns, which hide the old ones.
func (w *walk) aliases(n node) error {
	names := n["column_name_alias"]
	w.whole = w.whole || !isNone(names)
	return w.texts(names)
}

func (w *walk) column(n node) error {
	names := list(n["column_names"])
	if len(names) == 0 {
		return unknown("a column without a name")
	}
	if len(names) == 1 {
		w.refs[strings.ToLower(text(names[0]))] = true
	}
	return w.texts(n["column_names"])
}

// with checks the common table expressions of a query. Each sees those before it.
func (w *walk) with(v any) error {
	m, ok := v.(node)
	if !ok || len(m) != 1 {
		return unknown("a WITH of an unknown form")
	}
	return w.each(m["map"], func(v any) error {
		entry, ok := v.(node)
		if !ok || len(entry) != 2 {
			return unknown("a WITH of an unknown form")
		}
		if err := firstError(w.cteName(entry["key"]), w.cte(entry["value"])); err != nil {
			return err
		}
		w.ctes = append(w.ctes, strings.ToLower(text(entry["key"])))
		return nil
	})
}

func (w *walk) cte(v any) error {
	n, ok := v.(node)
	if !ok {
		return unknown("a WITH of an unknown form")
	}
	for _, field := range slices.Sorted(maps.Keys(n)) {
		var err error
		switch field {
		case "query":
			err = w.enclosed(n[field])
		case "aliases":
			err = w.texts(n[field])
		case "key_targets":
			err = w.each(n[field], w.node)
		case "materialized":
			err = w.plain(n[field])
		default:
			err = unknown("WITH and " + field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cteName refuses the names of DuckDB's own views: where a scope was misread, such a
// name would mean one of them.
func (w *walk) cteName(v any) error {
	name := strings.ToLower(text(v))
	for _, prefix := range []string{"duckdb_", "pragma_", "pg_", "sqlite_"} {
		if strings.HasPrefix(name, prefix) {
			return refused("sql_table", "the name", name).WithHint("choose another name after WITH")
		}
	}
	w.tables[name] = true
	return w.plain(v)
}

// collation allows those that change neither a text's bytes nor what is loaded.
func (w *walk) collation(n node) error {
	name := strings.ToLower(text(n["collation"]))
	for part := range strings.SplitSeq(name, ".") {
		if part != "nocase" && part != "noaccent" && part != "binary" {
			return refused("sql_collation", "the collation", name).WithHint("use nocase or noaccent")
		}
	}
	return nil
}

// value checks a constant.
func (w *walk) value(v any) error {
	n, ok := v.(node)
	if !ok {
		return unknown("a constant of an unknown form")
	}
	if err := w.typed(n["type"]); err != nil {
		return err
	}
	if s, ok := n["value"].(string); ok {
		w.named[strings.ToLower(s)] = true
	}
	return nil
}

// typed checks a type, or null.
func (w *walk) typed(v any) error {
	if v == nil {
		return nil
	}
	n, ok := v.(node)
	if !ok || len(n) != 2 {
		return unknown("a type of an unknown form")
	}
	if id := text(n["id"]); !types[id] {
		return refused("sql_type", "the type", strings.ToLower(id))
	}
	info := n["type_info"]
	if info == nil {
		return nil
	}
	if kind, ok := info.(node); !ok || !strings.HasSuffix(kindOf(kind), "_TYPE_INFO") {
		return unknown("a type with unknown details")
	}
	return w.node(info)
}

// member checks a field of a struct type.
func (w *walk) member(v any) error {
	n, ok := v.(node)
	if !ok || len(n) != 2 {
		return unknown("a type of an unknown form")
	}
	return firstError(w.plain(n["first"]), w.typed(n["second"]))
}

// namedType checks a type that DuckDB looks up by name.
func (w *walk) namedType(n node) error {
	if name := strings.ToLower(text(n["name"])); !namedTypes[name] {
		return refused("sql_type", "the type", name)
	}
	return w.each(n["user_type_modifiers"], w.value)
}
