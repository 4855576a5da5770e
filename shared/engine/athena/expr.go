package athena

import (
	"fmt"
	"math"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// condition writes an expression.
func (w *writer) condition(e query.Expr) string {
	switch e.Node {
	case query.NodeAnd, query.NodeOr:
		args := make([]string, len(e.Args))
		for i, a := range e.Args {
			args[i] = w.condition(a)
		}
		return "(" + strings.Join(args, " "+strings.ToUpper(string(e.Node))+" ") + ")"
	case query.NodeNot:
		return "(NOT " + w.condition(e.Args[0]) + ")"
	case query.NodeAudience:
		return w.fail(refusal("a filter by an audience cannot be put there"))
	}
	column := w.column(*e.Field)
	values := make([]string, len(e.Values))
	for i, v := range e.Values {
		values[i] = literal(v, e.Field.Type)
	}
	list := strings.Join(values, ", ")
	switch e.Node {
	case query.NodeIn:
		return column + " IN (" + list + ")"
	case query.NodeNotIn:
		return column + " NOT IN (" + list + ")"
	case query.NodeContains:
		return "strpos(" + column + ", " + list + ") > 0"
	case query.NodeStartsWith:
		return "starts_with(" + column + ", " + list + ")"
	case query.NodeEndsWith: // Trino has no function for it
		return column + " LIKE " + literal(query.TextValue("%"+escaped.Replace(e.Values[0].Text())), e.Field.Type) + ` ESCAPE '\'`
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

// escaped writes a text that LIKE takes as it is.
var escaped = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// measure writes a measure. Ints are summed as decimals, which hold the sum of as many
// as there can be; and what their average is of, is such a sum.
func (w *writer) measure(m query.Aggregand) string {
	filter := ""
	if m.Filter != nil {
		filter = " FILTER (WHERE " + w.condition(*m.Filter) + ")"
	}
	if m.Field == nil {
		return "count(*)" + filter
	}
	column, whole := w.via(m.Via, *m.Field), m.Field.Type == dataset.Int || m.Via != ""
	sum := "sum(CAST(" + column + " AS DECIMAL(38, 0)))" + filter
	switch m.Op {
	case query.CountDistinct:
		return "count(DISTINCT " + column + ")" + filter
	case query.Sum:
		if whole {
			return sum
		}
	case query.Avg:
		if whole {
			return "CAST(" + sum + " AS DOUBLE) / CAST(count(" + column + ")" + filter + " AS DOUBLE)"
		}
	case query.Count, query.Min, query.Max:
	default:
		return w.fail(refusal("%s cannot be computed there exactly", m.Op))
	}
	return string(m.Op) + "(" + column + ")" + filter
}

// magnitude writes a sum or an average as if no float were negative: how large that is
// of which the measure is made.
func (w *writer) magnitude(m query.Aggregand) string {
	sql := string(m.Op) + "(abs(" + w.column(*m.Field) + "))"
	if m.Filter != nil {
		sql += " FILTER (WHERE " + w.condition(*m.Filter) + ")"
	}
	return sql
}

// via writes the number that a sketch needs of a column. The hash of the engine here is
// its own, so that registers filled there could not be merged with those filled here.
func (w *writer) via(v query.Via, f query.Field) string {
	column := w.column(f)
	switch v {
	case "":
		return column
	case query.LogBucket:
		base := literal(query.FloatValue(math.Log(query.LogBase)), dataset.Float)
		log := func(x string) string {
			return fmt.Sprintf("CAST(ceil(ln(%s) / %s) AS BIGINT) + %d", x, base, query.LogOffset)
		}
		x := "CAST(" + column + " AS DOUBLE)"
		return fmt.Sprintf("CASE WHEN %s > 0 THEN %s WHEN %s < 0 THEN -(%s) ELSE 0 END", x, log(x), x, log("-"+x))
	}
	return w.fail(refusal("approximate distinct counts cannot be computed there").WithHint("ask for count_distinct over a time that ended some hours ago, or for a shorter time"))
}
