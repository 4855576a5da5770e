package enrich

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// truth is that of SQL: what compares with nothing is unknown.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// test tells whether an event meets a condition.
type test func(*events.Event) truth

// compileFilter makes the test of a filter over events that are no rows yet, and so have no
// columns with types: a number compares with numbers, true and false with themselves, and a
// text with what the value is as text. Others compare with nothing.
func compileFilter(f query.Filter) (test, error) {
	switch {
	case f.And != nil:
		all, err := compileAll(f.And)
		return func(e *events.Event) truth { return least(all, e) }, err
	case f.Or != nil:
		all, err := compileAll(f.Or)
		return func(e *events.Event) truth { return most(all, e) }, err
	case f.Not != nil:
		not, err := compileFilter(*f.Not)
		return func(e *events.Event) truth { return yes - not(e) }, err
	}
	return compileCondition(f)
}

func compileAll(list []query.Filter) (all []test, err error) {
	for _, f := range list {
		one, err := compileFilter(f)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func least(all []test, e *events.Event) truth {
	out := yes
	for _, t := range all {
		if out = min(out, t(e)); out == no {
			break
		}
	}
	return out
}

func most(all []test, e *events.Event) truth {
	out := no
	for _, t := range all {
		if out = max(out, t(e)); out == yes {
			break
		}
	}
	return out
}

func compileCondition(f query.Filter) (test, error) {
	read, err := reader(f.Column)
	if err != nil {
		return nil, err
	}
	switch {
	case f.Attribute != "":
		return nil, bad("the condition on %q asks for an attribute, and events come from no person", f.Column).WithHint("give a value")
	case f.Op == query.IsNull || f.Op == query.IsNotNull:
		isNull := f.Op == query.IsNull
		return func(e *events.Event) truth { v := read(e); return truthOf((v.Kind == events.Null) == isNull) }, nil
	}
	given, isList := f.Value.([]any)
	if !isList {
		given = []any{f.Value}
	}
	literals := make([]literal, len(given))
	for i, value := range given {
		if literals[i], err = literalOf(f, value); err != nil {
			return nil, err
		}
	}
	compare := comparison(f.Op, literals)
	return func(e *events.Event) truth {
		v := read(e)
		if v.Kind == events.Null {
			return unknown
		}
		return compare(&v)
	}, nil
}

// reader returns what reads a column of an event that has just come in.
func reader(column string) (func(*events.Event) events.Value, error) {
	text := func(s string) events.Value {
		if s == "" {
			return events.Value{}
		}
		return events.Value{Kind: events.Text, Text: s}
	}
	if of := ids[column]; of != nil {
		return func(e *events.Event) events.Value { return text(*of(e)) }, nil
	}
	switch column {
	case dataset.ColumnEventID:
		return func(e *events.Event) events.Value { return text(e.ID) }, nil
	case dataset.ColumnEvent:
		return func(e *events.Event) events.Value { return text(e.Name) }, nil
	case dataset.ColumnTime:
		return func(e *events.Event) events.Value { return events.Value{Kind: events.Int, Int: e.Time} }, nil
	case dataset.ColumnReceived, dataset.ColumnProperties:
		return nil, bad("a filter of events on their way in cannot ask for %q", column).WithHint("name a property, event, time or an id")
	}
	return func(e *events.Event) events.Value {
		if i := place(e, column); i >= 0 {
			return e.Values[i]
		}
		return events.Value{}
	}, checkField(column)
}

// literal is what a value is compared with.
type literal struct {
	kind  events.Kind
	int   int64
	float float64
	text  string
}

func literalOf(f query.Filter, value any) (literal, error) {
	wrong := func(want string) (literal, error) {
		return literal{}, bad("%q %s needs %s", f.Column, f.Op, want)
	}
	isText := f.Op == query.Contains || f.Op == query.StartsWith || f.Op == query.EndsWith
	switch v := value.(type) {
	case string:
		if f.Column != dataset.ColumnTime {
			return literal{kind: events.Text, text: v}, nil
		}
		t, err := time.Parse(time.RFC3339, v)
		if err != nil || isText || t.Nanosecond()%1000 != 0 {
			return wrong("an RFC 3339 time to the microsecond")
		}
		return literal{kind: events.Int, int: t.UnixMicro()}, nil
	case bool:
		if f.Op != query.Equal && f.Op != query.NotEqual && f.Op != query.In && f.Op != query.NotIn {
			return wrong("a number or a text")
		}
		l := literal{kind: events.Bool}
		if v {
			l.int = 1
		}
		return l, nil
	case json.Number:
		if isText || f.Column == dataset.ColumnTime {
			return wrong("a text")
		}
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return literal{kind: events.Int, int: i}, nil
		}
		x, err := v.Float64()
		if err != nil {
			return wrong("a number in range")
		}
		return literal{kind: events.Float, float: x}, nil
	}
	return wrong("a text, a number, true or false")
}

// order compares a value with a literal; ok is false where they do not compare.
func (l *literal) order(v *events.Value) (order int, ok bool) {
	switch {
	case l.kind == events.Text:
		return strings.Compare(textOf(v), l.text), true
	case l.kind == events.Bool:
		return cmp.Compare(v.Int, l.int), v.Kind == events.Bool
	case v.Kind == events.Int && l.kind == events.Int:
		return cmp.Compare(v.Int, l.int), true
	case v.Kind == events.Float && l.kind == events.Float:
		return cmp.Compare(v.Float, l.float), true
	case v.Kind == events.Int:
		return compareMixed(v.Int, l.float), true
	case v.Kind == events.Float:
		return -compareMixed(l.int, v.Float), true
	}
	return 0, false
}

// compareMixed compares exactly: a float does not hold every int.
func compareMixed(i int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := int64(f) // towards zero
	if i != whole {
		return cmp.Compare(i, whole)
	}
	return cmp.Compare(float64(whole), f) // both exact: |whole| is at most |f|, and its integer part
}

// comparison returns what an operator does with a value that is not null.
func comparison(op query.Comparison, literals []literal) func(*events.Value) truth {
	first := &literals[0]
	ordered := func(holds func(int) bool) func(*events.Value) truth {
		return func(v *events.Value) truth {
			order, ok := first.order(v)
			if !ok {
				return unknown
			}
			return truthOf(holds(order))
		}
	}
	switch op {
	case query.Equal:
		return ordered(func(o int) bool { return o == 0 })
	case query.NotEqual:
		return ordered(func(o int) bool { return o != 0 })
	case query.Less:
		return ordered(func(o int) bool { return o < 0 })
	case query.LessEqual:
		return ordered(func(o int) bool { return o <= 0 })
	case query.Greater:
		return ordered(func(o int) bool { return o > 0 })
	case query.GreaterEqual:
		return ordered(func(o int) bool { return o >= 0 })
	case query.In:
		return func(v *events.Value) truth { return among(literals, v) }
	case query.NotIn:
		return func(v *events.Value) truth { return yes - among(literals, v) }
	case query.Between:
		return func(v *events.Value) truth { return between(&literals[0], &literals[1], v) }
	case query.Contains:
		return func(v *events.Value) truth { return truthOf(strings.Contains(textOf(v), first.text)) }
	case query.StartsWith:
		return func(v *events.Value) truth { return truthOf(strings.HasPrefix(textOf(v), first.text)) }
	default:
		return func(v *events.Value) truth { return truthOf(strings.HasSuffix(textOf(v), first.text)) }
	}
}

func among(literals []literal, v *events.Value) truth {
	out := no
	for i := range literals {
		order, ok := literals[i].order(v)
		switch {
		case ok && order == 0:
			return yes
		case !ok:
			out = unknown
		}
	}
	return out
}

func between(low, high *literal, v *events.Value) truth {
	a, ok := low.order(v)
	b, also := high.order(v)
	switch {
	case ok && a < 0 || also && b > 0:
		return no
	case !ok || !also:
		return unknown
	}
	return yes
}
