package query

import (
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// bindHaving binds a condition on the rows of an answer, whose columns are the names that
// it may use.
func bindHaving(f Filter, columns []Column) (*Expr, error) {
	b := binder{scope: scope{columns: map[string]Field{}}}
	for _, c := range columns {
		typ := dataset.Type(c.Type) // but for times they are called the same
		if c.Type == Timestamp {
			typ = dataset.Time
		}
		b.scope.columns[c.Name] = Field{Name: c.Name, Type: typ}
		b.scope.names = append(b.scope.names, c.Name)
	}
	e, err := b.filter("having", f)
	if err != nil {
		return nil, err
	}
	e = normalize(e)
	return &e, nil
}

// having drops the rows that the answer is not to have. A total stays or goes by its
// own measures, as in SQL.
func (a *aggregation) having(rows [][]Value) [][]Value {
	if a.Having == nil {
		return rows
	}
	places := map[string]int{}
	for i, c := range a.columns() {
		places[c.Name] = i
	}
	return slices.DeleteFunc(rows, func(row []Value) bool {
		return a.Having.truth(func(f Field) Value { return row[places[f.Name]] }) != yes
	})
}

// truth is what a condition comes to; it is unknown of nulls, and its not is then
// unknown as well.
type truth int

const (
	no truth = iota - 1
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// truth evaluates a condition on values as engines do on columns.
func (e Expr) truth(value func(Field) Value) truth {
	switch e.Node {
	case NodeAnd:
		out := yes
		for _, a := range e.Args {
			out = min(out, a.truth(value))
		}
		return out
	case NodeOr:
		out := no
		for _, a := range e.Args {
			out = max(out, a.truth(value))
		}
		return out
	case NodeNot:
		return -e.Args[0].truth(value)
	}
	v := value(*e.Field)
	switch {
	case e.Node == NodeIsNull:
		return truthOf(v.IsNull())
	case e.Node == NodeIsNotNull:
		return truthOf(!v.IsNull())
	case v.IsNull():
		return unknown
	}
	return truthOf(e.compares(v))
}

func (e Expr) compares(v Value) bool {
	equals := func(w Value) bool { return CompareValues(v, w) == 0 }
	switch e.Node {
	case NodeAlways, NodeNever:
		return e.Node == NodeAlways
	case NodeIn, NodeNotIn:
		return slices.ContainsFunc(e.Values, equals) == (e.Node == NodeIn)
	case NodeContains:
		return strings.Contains(v.Text(), e.Values[0].Text())
	case NodeStartsWith:
		return strings.HasPrefix(v.Text(), e.Values[0].Text())
	case NodeEndsWith:
		return strings.HasSuffix(v.Text(), e.Values[0].Text())
	}
	switch order := CompareValues(v, e.Values[0]); e.Node {
	case NodeEqual:
		return order == 0
	case NodeNotEqual:
		return order != 0
	case NodeLess:
		return order < 0
	case NodeLessEqual:
		return order <= 0
	case NodeMore:
		return order > 0
	default:
		return order >= 0
	}
}
