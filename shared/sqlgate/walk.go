package sqlgate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// walk goes through a tree once, in the order of the text's scopes.
type walk struct {
	ctes     []string // names in scope, in lower case; the innermost last
	datasets map[dataset.Name]bool
	named    map[string]bool // every text
	tables   map[string]bool // names and aliases of tables
	refs     map[string]bool // columns named by one word: a table's name would mean its whole row
	params   []string
	whole    bool
}

func newWalk() *walk {
	return &walk{datasets: map[dataset.Name]bool{}, named: map[string]bool{}, tables: map[string]bool{}, refs: map[string]bool{}}
}

func (w *walk) query() Query {
	rows := func(name string) bool { return w.tables[name] }
	return Query{
		Datasets:   slices.Sorted(maps.Keys(w.datasets)),
		Parameters: w.params,
		Names:      slices.Sorted(maps.Keys(w.named)),
		Whole:      w.whole || slices.ContainsFunc(slices.Collect(maps.Keys(w.refs)), rows),
	}
}

// unknown refuses what no shape describes.
func unknown(what string) error {
	return refuse("sql_construct", "the statement uses something that is not allowed here: %s", strings.ToLower(what)).
		WithHint("docs/sql.md lists what a statement may hold")
}

// statement checks the root of a tree and lists its parameters, which come in any
// order but with their places.
func (w *walk) statement(s node) error {
	params := list(s["named_param_map"])
	w.params = make([]string, len(params))
	for _, p := range params {
		p, _ := p.(node)
		place, err := strconv.Atoi(fmt.Sprint(p["value"]))
		if err != nil || place < 1 || place > len(params) || w.params[place-1] != "" {
			return refuse("sql_parameter", "the statement's parameters are not numbered from 1 without gaps")
		}
		w.params[place-1] = text(p["key"])
	}
	return w.enclosed(s)
}

// enclosed checks a query within its envelope.
func (w *walk) enclosed(v any) error {
	s, ok := v.(node)
	if !ok || len(s) != 2 || s["node"] == nil || s["named_param_map"] == nil {
		return unknown("a query of an unknown form")
	}
	return w.node(s["node"])
}

// node checks a node, or null.
func (w *walk) node(v any) error {
	if v == nil {
		return nil
	}
	n, ok := v.(node)
	if !ok {
		return unknown("a part of an unknown form")
	}
	kind := kindOf(n)
	if kind == "" {
		return unknown(kindText(n))
	}
	defer func(depth int) { w.ctes = w.ctes[:depth] }(len(w.ctes))
	if ctes, has := n["cte_map"]; has { // before the fields that use them
		if err := w.with(ctes); err != nil {
			return err
		}
	}
	if err := w.own(kind, n); err != nil {
		return err
	}
	if err := w.fields(kind, n); err != nil {
		return err
	}
	if kind == "CONSTANT" {
		castFloat(n)
	}
	return nil
}

func kindText(n node) string {
	for _, field := range []string{"class", "type"} {
		if s := text(n[field]); s != "" {
			return s
		}
	}
	return "a part without a kind"
}

// fields checks every field of a node by its role.
func (w *walk) fields(kind string, n node) error {
	for _, name := range slices.Sorted(maps.Keys(n)) {
		r, known := shapes[kind][name]
		if !known {
			return unknown(kind + " with " + name)
		}
		if err := w.field(r, n[name]); err != nil {
			return err
		}
		if r == none && !isNone(n[name]) {
			return unknown(kind + " with " + name)
		}
	}
	return nil
}

func (w *walk) field(r role, v any) error {
	switch r {
	case plain:
		return w.plain(v)
	case tree:
		return w.node(v)
	case trees:
		return w.each(v, w.node)
	case listed:
		return w.each(v, w.entry)
	case typed:
		return w.typed(v)
	case typeds:
		return w.each(v, w.typed)
	}
	return nil
}

// each checks the members of a list.
func (w *walk) each(v any, check func(any) error) error {
	members, ok := v.([]any)
	if !ok {
		return unknown("a list of an unknown form")
	}
	for _, m := range members {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

// entry checks an object without a kind of its own: a CASE's branch, what a star
// replaces or renames.
func (w *walk) entry(v any) error {
	n, ok := v.(node)
	if !ok {
		return w.plain(v)
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		inner, isNode := n[name].(node)
		var err error
		switch {
		case isNode && (inner["class"] != nil || inner["type"] != nil):
			err = w.node(inner)
		case isNode:
			err = w.entry(inner)
		default:
			err = w.plain(n[name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plain notes a text, a number or a truth value.
func (w *walk) plain(v any) error {
	switch v := v.(type) {
	case string:
		w.named[strings.ToLower(v)] = true
		return nil
	case nil, bool, json.Number:
		return nil
	}
	return unknown("a value of an unknown form")
}

// texts checks a list of texts.
func (w *walk) texts(v any) error {
	return w.each(v, func(v any) error {
		if _, ok := v.(string); !ok {
			return unknown("a name of an unknown form")
		}
		return w.plain(v)
	})
}

func isNone(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

func list(v any) []any {
	out, _ := v.([]any)
	return out
}

func text(v any) string {
	out, _ := v.(string)
	return out
}

// refused names what is not on a list.
func refused(code, what, name string) *fault.Error {
	return refuse(code, "%s %.80q is not allowed here", what, name)
}
