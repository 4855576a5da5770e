package duck

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// The statements of the kinds that follow subjects are chains of named tables. In
// them s is the subject, t the time, and d0, d1, … the dimensions.

// chain is a statement that grows by named tables.
type chain struct {
	tables []string
}

func (c *chain) add(name, sql string) { c.tables = append(c.tables, name+" AS (\n"+sql+")") }

// end writes the statement that ends in a SELECT.
func (c *chain) end(sql string) string { return "WITH " + strings.Join(c.tables, ",\n") + "\n" + sql }

// subjects writes the rows that have a subject and a time, with further columns. Only
// those that match a condition are kept, if there is one.
func (s sources) subjects(r query.Rows, subject query.Field, columns []string, matching string) string {
	who := s.alias(subject)
	sql := fmt.Sprintf("SELECT %s s, %s t%s\nFROM %s", who, s.alias(timeField), joined(columns), s.rows(r))
	conditions := []string{who + " IS NOT NULL", s.alias(timeField) + " IS NOT NULL"}
	if matching != "" {
		conditions = append(conditions, "("+matching+")")
	}
	word := "\nWHERE "
	if r.Filter != nil {
		word = "\nAND "
	}
	return sql + word + strings.Join(conditions, " AND ")
}

// joined lists further columns.
func joined(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return ", " + strings.Join(columns, ", ")
}

// dimensions writes the fields of dimensions as d0, d1, …
func (s sources) dimensions(groups []query.Group) []string {
	out := make([]string, len(groups))
	for i, g := range groups {
		out[i] = fmt.Sprintf("%s d%d", s.alias(g.Field), i)
	}
	return out
}

// each writes a format for each of n numbers.
func each(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
	}
	return out
}

// flag writes a condition as true or false: a null is no match.
func (s sources) flag(e *query.Expr) string {
	if e == nil {
		return "true"
	}
	return "coalesce(" + s.condition(*e) + ", false)"
}

// followedKeys writes the keys of an answer: the bucket of a time, then columns.
func (s sources) followedKeys(k query.Keys, time string, columns []string, out *statement) ([]string, error) {
	var keys []string
	if k.Bucket != nil {
		key, err := s.bucket(*k.Bucket, time, out)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return append(keys, columns...), nil
}

// grouped writes the end of a statement that groups by the first columns.
func grouped(n int, order []query.Sort, limit int) string {
	if n == 0 {
		return ""
	}
	return "\nGROUP BY " + sqltext.Places(n) + sqltext.Sorted(order, limit)
}
