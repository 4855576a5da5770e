package query

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
)

// filter types a tree of conditions; normalize then gives it one shape.
func (b *binder) filter(path string, f Filter) (Expr, error) {
	switch {
	case f.And != nil:
		return b.operands(path+".and", NodeAnd, f.And)
	case f.Or != nil:
		return b.operands(path+".or", NodeOr, f.Or)
	case f.Not != nil:
		operand, err := b.filter(path+".not", *f.Not)
		return Expr{Node: NodeNot, Args: []Expr{operand}}, err
	}
	if f.Audience != "" {
		return b.member(path+".audience", f.Audience)
	}
	field, err := b.scope.field(path, f.Column)
	if err != nil {
		return Expr{}, err
	}
	if f.Attribute != "" {
		if f, err = b.attribute(path, field, f); err != nil {
			return Expr{}, err
		}
	}
	return condition(path, field, f)
}

func (b *binder) operands(path string, node Node, list []Filter) (Expr, error) {
	out := Expr{Node: node, Args: make([]Expr, len(list))}
	for i, f := range list {
		var err error
		if out.Args[i], err = b.filter(fmt.Sprintf("%s[%d]", path, i), f); err != nil {
			return out, err
		}
	}
	return out, nil
}

func condition(path string, field Field, f Filter) (Expr, error) {
	switch f.Op {
	case IsNull, IsNotNull:
		return Expr{Node: Node(f.Op), Field: &field}, nil
	case In, NotIn:
		return membership(path, field, f)
	case Between:
		bounds, _ := f.Value.([]any)
		if len(bounds) != 2 {
			return Expr{}, refuse(path+".value", "between needs [low, high]")
		}
		low, err := compared(path+".value[0]", field, NodeMoreEqual, bounds[0])
		if err != nil {
			return low, err
		}
		high, err := compared(path+".value[1]", field, NodeLessEqual, bounds[1])
		return Expr{Node: NodeAnd, Args: []Expr{low, high}}, err
	}
	return compared(path+".value", field, Node(f.Op), f.Value)
}

func membership(path string, field Field, f Filter) (Expr, error) {
	list, _ := f.Value.([]any)
	out := Expr{Node: Node(f.Op), Field: &field}
	for i, item := range list {
		e, err := compared(fmt.Sprintf("%s.value[%d]", path, i), field, NodeEqual, item)
		if err != nil {
			return out, err
		}
		out.Values = append(out.Values, e.Values...)
	}
	switch {
	case len(out.Values) > 0:
		return out, nil
	case f.Op == In:
		return Expr{Node: NodeNever, Field: &field}, nil
	}
	return Expr{Node: NodeAlways, Field: &field}, nil
}

// ofTexts compare texts alone.
var ofTexts = []Node{NodeContains, NodeStartsWith, NodeEndsWith}

// compared types one comparison.
func compared(path string, field Field, node Node, value any) (Expr, error) {
	if value == nil {
		return Expr{}, refuse(path, "null compares with nothing").WithHint("to match nulls use the op is_null")
	}
	if slices.Contains(ofTexts, node) && field.Type != dataset.Text && field.Type != dataset.JSON {
		return Expr{}, refuse(path, "%s needs text, and column %q is %s", node, field.Name, field.Type)
	}
	if field.Type == dataset.Bool && node != NodeEqual && node != NodeNotEqual {
		return Expr{}, refuse(path, "%s does not compare true and false", node).WithHint("use = or !=")
	}
	e := Expr{Node: node, Field: &field}
	var err error
	switch field.Type {
	case dataset.Int:
		return comparedInt(path, e, value)
	case dataset.Float:
		err = typed(path, &e, value, floatLiteral)
	case dataset.Bool:
		err = typed(path, &e, value, boolLiteral)
	case dataset.Time:
		err = typed(path, &e, value, timeLiteral)
	default:
		err = typed(path, &e, value, textLiteral)
	}
	return e, err
}

func typed(path string, e *Expr, value any, literal func(string, Field, any) (Value, error)) error {
	v, err := literal(path, *e.Field, value)
	e.Values = []Value{v}
	return err
}

func mismatch(path string, f Field, value any, want string) error {
	return refuse(path, "column %q is %s and cannot be compared with %s", f.Name, f.Type, kindName(value)).WithHint("give %s", want)
}

func floatLiteral(path string, f Field, value any) (Value, error) {
	n, ok := value.(json.Number)
	if !ok {
		return Value{}, mismatch(path, f, value, "a number, without quotes")
	}
	x, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return Value{}, refuse(path, "%.40s is out of range", n.String())
	}
	return FloatValue(x), nil
}

func boolLiteral(path string, f Field, value any) (Value, error) {
	b, ok := value.(bool)
	if !ok {
		return Value{}, mismatch(path, f, value, "true or false, without quotes")
	}
	return BoolValue(b), nil
}

func timeLiteral(path string, f Field, value any) (Value, error) {
	text, ok := value.(string)
	if !ok {
		return Value{}, mismatch(path, f, value, "an RFC 3339 time as text")
	}
	micros, exact, err := parseMicros(path, text)
	if err == nil && !exact {
		err = refuse(path, "%.80q is finer than a microsecond", text)
	}
	return TimeValue(micros), err
}

func textLiteral(path string, f Field, value any) (Value, error) {
	text, ok := value.(string)
	if !ok {
		return Value{}, mismatch(path, f, value, "text in quotes")
	}
	return TextValue(text), nil
}

// comparedInt compares ints exactly, also with numbers that are none: x > 1.5 is
// x >= 2, and x = 1.5 is never true.
func comparedInt(path string, e Expr, value any) (Expr, error) {
	n, ok := value.(json.Number)
	if !ok {
		return e, mismatch(path, *e.Field, value, "a number, without quotes")
	}
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		e.Values = []Value{IntValue(i)}
		return e, nil
	}
	x, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return e, refuse(path, "%.40s is out of range", n.String())
	}
	whole := x == math.Trunc(x)
	switch {
	case whole && x >= -1<<63 && x < 1<<63:
		e.Values = []Value{IntValue(int64(x))}
		return e, nil
	case e.Node == NodeEqual:
		return Expr{Node: NodeNever, Field: e.Field}, nil
	case e.Node == NodeNotEqual:
		return Expr{Node: NodeAlways, Field: e.Field}, nil
	case whole: // past 64 bits
		return pastInts(e, x > 0), nil
	case e.Node == NodeLess || e.Node == NodeLessEqual:
		return Expr{Node: NodeLessEqual, Field: e.Field, Values: []Value{IntValue(int64(math.Floor(x)))}}, nil
	}
	return Expr{Node: NodeMoreEqual, Field: e.Field, Values: []Value{IntValue(int64(math.Ceil(x)))}}, nil
}

// pastInts compares with a number above (or below) all ints.
func pastInts(e Expr, above bool) Expr {
	less := e.Node == NodeLess || e.Node == NodeLessEqual
	if less == above {
		return Expr{Node: NodeAlways, Field: e.Field}
	}
	return Expr{Node: NodeNever, Field: e.Field}
}
