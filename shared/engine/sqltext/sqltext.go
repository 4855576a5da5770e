// Package sqltext writes the parts of SQL that must not depend on who writes the rest:
// what quotes names and texts, and what orders an answer. DuckDB and Trino read them
// alike.
package sqltext

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/query"
)

// Identifier quotes a name.
func Identifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Literal writes a text. DuckDB's statements end at their first NUL, so that one within
// a text is written as a call, which is folded.
func Literal(text string) string {
	parts := strings.Split(text, "\x00")
	for i, p := range parts {
		parts[i] = "'" + strings.ReplaceAll(p, "'", "''") + "'"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " || chr(0) || ") + ")"
}

// Places lists the first columns by their numbers.
func Places(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return strings.Join(list, ", ")
}

// Sorted writes the order of an answer, which some expressions come before, and the
// limit: one more row tells that there are more.
func Sorted(order []query.Sort, limit int, before ...string) string {
	list := before
	for _, o := range order {
		direction := " ASC NULLS LAST"
		if o.Desc {
			direction = " DESC NULLS LAST"
		}
		list = append(list, strconv.Itoa(o.Column+1)+direction)
	}
	return fmt.Sprintf("\nORDER BY %s\nLIMIT %d", strings.Join(list, ", "), limit+1)
}
