package query

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// normalize gives an expression the shape that all its spellings share: nested
// conjunctions flattened, operands sorted and without repetition, lists of values
// sorted, double negations gone.
func normalize(e Expr) Expr {
	switch e.Node {
	case NodeAnd, NodeOr:
		return normalizeOperands(e)
	case NodeNot:
		return normalizeNot(normalize(e.Args[0]))
	case NodeIn, NodeNotIn:
		e.Values = slices.Clone(e.Values)
		slices.SortFunc(e.Values, Value.compare)
		e.Values = slices.Compact(e.Values)
		if len(e.Values) == 1 {
			e.Node = map[Node]Node{NodeIn: NodeEqual, NodeNotIn: NodeNotEqual}[e.Node]
		}
	}
	return e
}

func normalizeOperands(e Expr) Expr {
	type keyed struct {
		Expr
		key string
	}
	var args []keyed
	for _, arg := range e.Args {
		arg = normalize(arg)
		inner := []Expr{arg}
		if arg.Node == e.Node {
			inner = arg.Args
		}
		for _, a := range inner {
			args = append(args, keyed{a, a.key()})
		}
	}
	slices.SortFunc(args, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	args = slices.CompactFunc(args, func(a, b keyed) bool { return a.key == b.key })
	if len(args) == 1 {
		return args[0].Expr
	}
	out := Expr{Node: e.Node}
	for _, a := range args {
		out.Args = append(out.Args, a.Expr)
	}
	return out
}

// opposites hold of nulls too: where one is null so is the other.
var opposites = map[Node]Node{
	NodeEqual: NodeNotEqual, NodeNotEqual: NodeEqual, NodeLess: NodeMoreEqual, NodeMoreEqual: NodeLess,
	NodeMore: NodeLessEqual, NodeLessEqual: NodeMore, NodeIn: NodeNotIn, NodeNotIn: NodeIn,
	NodeIsNull: NodeIsNotNull, NodeIsNotNull: NodeIsNull, NodeNever: NodeAlways, NodeAlways: NodeNever,
}

func normalizeNot(e Expr) Expr {
	if e.Node == NodeNot {
		return e.Args[0]
	}
	if opposite, ok := opposites[e.Node]; ok {
		e.Node = opposite
		return e
	}
	return Expr{Node: NodeNot, Args: []Expr{e}}
}

// key is a text that equal expressions share.
func (e Expr) key() string {
	text, _ := json.Marshal(e) // holds nothing that cannot be marshalled
	return string(text)
}

// foldTimes moves bounds on event time from the top of a filter into the range, so
// that both spellings of a range are one plan and prune alike.
func foldTimes(e Expr, r Range) (*Expr, Range) {
	args := []Expr{e}
	if e.Node == NodeAnd {
		args = e.Args
	}
	var rest []Expr
	for _, a := range args {
		bound, ok := timeBound(a)
		if !ok {
			rest = append(rest, a)
			continue
		}
		r.From, r.To = max(r.From, bound.From), min(r.To, bound.To)
	}
	r.From = min(r.From, r.To)
	switch len(rest) {
	case 0:
		return nil, r
	case 1:
		return &rest[0], r
	}
	return &Expr{Node: NodeAnd, Args: rest}, r
}

func timeBound(e Expr) (Range, bool) {
	r := Unbounded
	if e.Field == nil || e.Field.Name != dataset.ColumnTime || e.Field.InJSON || e.Field.Type != dataset.Time || len(e.Values) != 1 {
		return r, false
	}
	at := e.Values[0].Int()
	switch e.Node {
	case NodeMoreEqual:
		r.From = at
	case NodeMore:
		r.From = at + 1
	case NodeLess:
		r.To = at
	case NodeLessEqual:
		r.To = at + 1
	default:
		return r, false
	}
	return r, true
}
