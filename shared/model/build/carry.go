package build

import (
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/distribute"
	"github.com/tarnhq/tarn/shared/sqlgate"
	"github.com/tarnhq/tarn/shared/table"
)

// carried is what a result carries of the rules of what it is made of.
func carried(m model.Model, q sqlgate.Query, inputs map[dataset.Name]*input) gate.Carried {
	c := gate.Carried{Dataset: m.Name, Of: []gate.Origin{}}
	if m.Released {
		return c
	}
	for _, name := range q.Datasets {
		o := gate.Origin{Dataset: name, Rows: map[string]string{}, Passed: map[string][]string{}, Read: q.Names, Whole: q.Whole}
		for _, column := range inputs[name].columns {
			if !q.Reads(column.Name) {
				continue
			}
			if to := rowsBy(q, inputs, name, column.Name); to != "" {
				o.Rows[column.Name] = to
			}
			if to, only := passes(q.Tree, column.Name); only && !q.Whole {
				o.Passed[column.Name] = append(to, copies(m, to)...)
			}
		}
		c.Of = append(c.Of, o)
	}
	return c
}

// copies are the columns that loading a result adds to it with the values of some.
func copies(m model.Model, columns []string) []string {
	if i := m.Incremental; i != nil && i.Grain != "" && slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, i.Column) }) {
		return []string{dataset.ColumnTime}
	}
	return nil
}

// rowsBy returns the column of a result that has the values of an input's column and by
// which the SQL distributes; empty: there is none.
func rowsBy(q sqlgate.Query, inputs map[dataset.Name]*input, of dataset.Name, column string) string {
	sources := map[string]distribute.Source{}
	for _, name := range q.Datasets {
		s := distribute.Source{}
		for _, c := range inputs[name].columns {
			s.Columns = append(s.Columns, c.Name)
		}
		if name == of {
			s.Key = column
		}
		sources[string(name)] = s
	}
	columns, err := distribute.Of(q.Tree, sources, "")
	if err != nil {
		return ""
	}
	i := slices.IndexFunc(columns, func(c distribute.Column) bool { return c.Key && c.Name != "" })
	if i < 0 {
		return ""
	}
	return columns[i].Name
}

// passes tells in which columns of a result an input's column stands as it is, and whether
// that is all that is done with any column of that name: rows that are grouped by a value,
// or told apart by it, say more of it than a mask may let be seen.
func passes(tree map[string]any, column string) (to []string, only bool) {
	body, _ := tree["node"].(map[string]any)
	groups, _ := body["group_expressions"].([]any)
	if body["type"] != "SELECT_NODE" || len(groups) > 0 || body["aggregate_handling"] != "STANDARD_HANDLING" || distinct(body) {
		return nil, mentions(tree, column) == 0
	}
	items, _ := body["select_list"].([]any)
	again := 0
	for _, v := range items {
		item, _ := v.(map[string]any)
		if !names(item, column) {
			continue
		}
		alias, _ := item["alias"].(string)
		if alias == "" {
			alias = column
		} else if !strings.EqualFold(alias, column) {
			again += mentions(tree, alias) // DuckDB lets the rest of the statement use it
		}
		to = append(to, alias)
	}
	return to, again == 0 && len(to) == mentions(tree, column)
}

func distinct(body map[string]any) bool {
	modifiers, _ := body["modifiers"].([]any)
	return slices.ContainsFunc(modifiers, func(v any) bool {
		m, _ := v.(map[string]any)
		return m["type"] == "DISTINCT_MODIFIER"
	})
}

// names reports whether a node is a column of a name.
func names(n map[string]any, column string) bool {
	parts, _ := n["column_names"].([]any)
	if n["class"] != "COLUMN_REF" || len(parts) == 0 {
		return false
	}
	last, _ := parts[len(parts)-1].(string)
	return strings.EqualFold(last, column)
}

// mentions counts all that may mean a column of a name: references, and the texts of USING
// and of lists of columns.
func mentions(v any, column string) (n int) {
	switch v := v.(type) {
	case map[string]any:
		if v["class"] == "COLUMN_REF" {
			if names(v, column) {
				return 1
			}
			return 0
		}
		for field, part := range v {
			if field != "alias" {
				n += mentions(part, column)
			}
		}
	case []any:
		for _, part := range v {
			n += mentions(part, column)
		}
	case string:
		if strings.EqualFold(v, column) {
			n++
		}
	}
	return n
}

// carry writes what the result carries, in the commit that makes it visible.
func (w *build) carry() ([]table.Write, error) {
	write, err := gate.CarriedBy(w.tenant, w.carries)
	return []table.Write{write}, err
}
