package engine

import (
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
)

// PartOf writes what tells the part of a row of a view; see Parts.
func PartOf(column, grain string) string {
	if grain == "" {
		return "CAST(" + sqltext.Identifier(column) + " AS VARCHAR)"
	}
	return "epoch_us(date_trunc(" + sqltext.Literal(grain) + ", " + sqltext.Identifier(column) + "))"
}

// ViewNames are the names that columns have in a view, where names that differ by
// case alone are the same and none holds NUL. A name that is taken gets a number.
func ViewNames(columns []dataset.Column) []string {
	taken := map[string]bool{}
	for _, c := range columns {
		taken[strings.ToLower(c.Name)] = true
	}
	first := map[string]bool{}
	names := make([]string, len(columns))
	for i, c := range columns {
		name := strings.ReplaceAll(c.Name, "\x00", "\u2400")
		for n := 1; first[strings.ToLower(name)] || name != c.Name && taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", strings.ReplaceAll(c.Name, "\x00", "\u2400"), n)
		}
		first[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}
