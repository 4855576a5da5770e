package duck

import (
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// condition writes an expression as SQL.
func (f fields) condition(e query.Expr) string {
	switch e.Node {
	case query.NodeAnd, query.NodeOr:
		args := make([]string, len(e.Args))
		for i, a := range e.Args {
			args[i] = f.condition(a)
		}
		return "(" + strings.Join(args, " "+strings.ToUpper(string(e.Node))+" ") + ")"
	case query.NodeNot:
		return "(NOT " + f.condition(e.Args[0]) + ")"
	}
	column := f.alias(*e.Field)
	if e.Node == query.NodeAudience {
		return audienceName(*e.Audience) // a column that sources.marked adds
	}
	values := make([]string, len(e.Values))
	for i, v := range e.Values {
		values[i] = literal(v, e.Field.Type)
	}
	list := strings.Join(values, ", ")
	switch e.Node {
	case query.NodeIn:
		return among(column, *e.Field, values)
	case query.NodeNotIn:
		return column + " NOT IN (" + list + ")"
	case query.NodeContains:
		return "contains(" + column + ", " + list + ")"
	case query.NodeStartsWith:
		return "starts_with(" + column + ", " + list + ")"
	case query.NodeEndsWith:
		return "ends_with(" + column + ", " + list + ")"
	case query.NodeIsNull:
		return column + " IS NULL"
	case query.NodeIsNotNull:
		return column + " IS NOT NULL"
	case query.NodeNever:
		return column + " <> " + column
	case query.NodeAlways:
		return column + " = " + column
	case query.NodeNotEqual:
		return column + " <> " + list
	}
	return column + " " + string(e.Node) + " " + list
}

// fewValues is up to how many values a list is compared one by one.
const fewValues = 8

// among writes that a column has one of some values. DuckDB makes a join of a list, row by
// row, which costs 20 ns a row; what it cannot look into it computes once for each entry
// of a dictionary. Of ids there is no dictionary, and files are skipped by the list.
func among(column string, field query.Field, values []string) string {
	in := column + " IN (" + strings.Join(values, ", ") + ")"
	if len(values) > fewValues || slices.Contains(ids, field.Name) {
		return in
	}
	return "coalesce(" + in + ", NULL)"
}

var ids = []string{dataset.ColumnEventID, dataset.ColumnUserID, dataset.ColumnAnonymousID, dataset.ColumnSessionID}

// measure writes a measure as SQL. Floats are summed with compensation, so that an
// answer does not depend on how the rows were spread over files.
func (f fields) measure(m query.Aggregand) string {
	sql := f.aggregate(m)
	if m.Filter != nil {
		sql += " FILTER (WHERE " + f.condition(*m.Filter) + ")"
	}
	return sql
}

func (f fields) aggregate(m query.Aggregand) string {
	if m.Field == nil {
		return "count(*)"
	}
	column := via(m.Via, f.alias(*m.Field))
	float := m.Field.Type == "float"
	switch {
	case m.Op == query.CountDistinct:
		return "count(DISTINCT " + column + ")"
	case m.Op == query.Quantile:
		return "quantile_cont(" + column + ", " + literal(query.FloatValue(m.Q), "float") + ")"
	case m.Op == query.Sum && float:
		return "fsum(" + column + ")"
	case m.Op == query.Avg && float:
		return "favg(" + column + ")"
	}
	return string(m.Op) + "(" + column + ")"
}
