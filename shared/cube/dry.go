package cube

import (
	"encoding/json"
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

// DryRun is what is known of queries before they are asked.
type DryRun struct {
	Kind        Kind                `json:"queryType"`
	Normalized  []Query             `json:"normalizedQueries"`
	Order       []map[string]string `json:"queryOrder"`
	Transformed []Transformed       `json:"transformedQueries"`
	Pivot       Pivot               `json:"pivotQuery"`
}

// Transformed is a query's members in the order of their names.
type Transformed struct {
	Measures       []string    `json:"measures"`
	LeafMeasures   []string    `json:"leafMeasures"`
	Dimensions     []string    `json:"sortedDimensions"`
	TimeDimensions [][2]string `json:"sortedTimeDimensions"`
}

// Dry describes questions that nobody asks.
func Dry(kind Kind, questions []Question) DryRun {
	out := DryRun{Kind: kind, Order: []map[string]string{}, Pivot: PivotOf(kind, questions)}
	for _, q := range questions {
		out.Normalized = append(out.Normalized, q.Query)
		for _, s := range q.Query.Order {
			out.Order = append(out.Order, map[string]string{s.ID: map[bool]string{false: "asc", true: "desc"}[s.Desc]})
		}
		t := Transformed{slices.Clone(q.Query.Measures), slices.Clone(q.Query.Measures), orEmpty(slices.Sorted(slices.Values(q.Query.Dimensions))), [][2]string{}}
		if q.grain != nil {
			t.TimeDimensions = append(t.TimeDimensions, [2]string{q.grain.Dimension, q.grain.Granularity})
		}
		out.Transformed = append(out.Transformed, t)
	}
	return out
}

// Statement is what Cube's clients read where Cube tells the SQL of a query.
type Statement struct {
	SQL struct {
		Status string `json:"status"`
		SQL    [2]any `json:"sql"` // the text, and no parameters
	} `json:"sql"`
}

// Statement tells how the question is answered: not in SQL, which depends on the
// files that there are, but by a request that says the same.
func (q Question) Statement() (Statement, error) {
	var out Statement
	text, err := json.Marshal(q.Request)
	out.SQL.Status, out.SQL.SQL = "ok", [2]any{"-- POST /v1/query\n" + string(text), []any{}}
	return out, err
}

// ColumnType is the name that Cube's SQL API has for a type.
func ColumnType(t query.Type) string {
	switch t {
	case query.Int:
		return "Int64"
	case query.Float:
		return "Double"
	case query.Decimal:
		return "Decimal"
	case query.Bool:
		return "Boolean"
	case query.Timestamp:
		return "Timestamp"
	case query.Date:
		return "Date"
	}
	return "String"
}
