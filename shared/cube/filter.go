package cube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// filters turns the query's filters, all of which must hold, into the request's: those
// of dimensions choose rows, those of measures rows of the answer.
func (q *Question) filters(c clock) error {
	for _, f := range q.Query.Filters {
		if _, err := q.cube.measure(f.first()); err == nil {
			made, err := f.made(c, q.measured)
			if err != nil {
				return err
			}
			q.having(made)
			continue
		}
		made, err := f.made(c, q.cube.filtered)
		if err != nil {
			return err
		}
		q.where(made)
	}
	return nil
}

// filtered finds the column of a dimension.
func (c Cube) filtered(member string) (dataset.Column, error) {
	d, err := c.dimension(member)
	return d.column, err
}

// measured finds the answer's column of a measure, which nobody sees unless the query
// asks for it.
func (q *Question) measured(member string) (dataset.Column, error) {
	m, err := q.cube.measure(member)
	if err != nil {
		if _, other := q.cube.dimension(member); other == nil {
			err = refuse("%s is a dimension, and stands where a measure must", member).WithHint("conditions on measures and on dimensions are filters of their own")
		}
		return dataset.Column{}, err
	}
	if !slices.ContainsFunc(q.Request.Measures, func(o query.Measure) bool { return o.Ref == m.request.Ref && o.Op == m.request.Op }) {
		q.Request.Measures = append(q.Request.Measures, m.request)
	}
	types := map[string]dataset.Type{"number": dataset.Float, "time": dataset.Time, "boolean": dataset.Bool}
	return dataset.Column{Name: m.name, Type: cmp.Or(types[m.typ], dataset.Text)}, nil
}

// member is what a condition is of.
func (f Filter) member() string { return cmp.Or(f.Member, f.Dimension) }

// first returns the member of the first condition.
func (f Filter) first() string {
	if list := slices.Concat(f.And, f.Or); len(list) > 0 {
		return list[0].first()
	}
	return f.member()
}

// made is the filter of a request, whose columns are found by their members.
func (f Filter) made(at clock, find func(member string) (dataset.Column, error)) (query.Filter, error) {
	member := f.member()
	switch tree := f.And != nil || f.Or != nil; {
	case tree && (member != "" || f.Operator != "" || f.And != nil && f.Or != nil):
		return query.Filter{}, refuse("a filter is one of and, or, and a condition")
	case f.And != nil:
		list, err := each(f.And, at, find)
		return query.Filter{And: list}, err
	case f.Or != nil:
		list, err := each(f.Or, at, find)
		return query.Filter{Or: list}, err
	}
	column, err := find(member)
	if err != nil {
		return query.Filter{}, err
	}
	return condition{f, member, column, at}.filter()
}

func each(list []Filter, at clock, find func(member string) (dataset.Column, error)) ([]query.Filter, error) {
	if len(list) == 0 {
		return nil, refuse("a filter of no conditions is empty").WithHint("leave it out to match all rows")
	}
	out := make([]query.Filter, len(list))
	for i, f := range list {
		var err error
		if out[i], err = f.made(at, find); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// condition is a filter of one column.
type condition struct {
	Filter
	member string
	column dataset.Column
	clock  clock
}

// comparisons are the operators that compare with one value.
var comparisons = map[string]query.Comparison{"gt": query.Greater, "gte": query.GreaterEqual, "lt": query.Less, "lte": query.LessEqual}

func (c condition) filter() (query.Filter, error) {
	switch c.Operator {
	case "set", "notSet":
		return c.null(c.Operator == "notSet"), nil
	case "inDateRange", "notInDateRange", "beforeDate", "beforeOrOnDate", "afterDate", "afterOrOnDate":
		return c.dates()
	case "equals":
		return c.equals()
	case "notEquals":
		f, err := c.equals()
		return c.orNull(f), err
	case "contains":
		return c.any(query.Contains)
	case "notContains":
		f, err := c.any(query.Contains)
		return c.orNull(f), err
	case "startsWith":
		return c.any(query.StartsWith)
	case "notStartsWith":
		f, err := c.any(query.StartsWith)
		return c.orNull(f), err
	case "endsWith":
		return c.any(query.EndsWith)
	case "notEndsWith":
		f, err := c.any(query.EndsWith)
		return c.orNull(f), err
	case "gt", "gte", "lt", "lte":
		if len(c.Values) != 1 {
			return query.Filter{}, refuse("%s of %s takes one value, not %d", c.Operator, c.member, len(c.Values))
		}
		v, err := c.value(c.Values[0])
		return query.Filter{Column: c.column.Name, Op: comparisons[c.Operator], Value: v}, err
	}
	return query.Filter{}, refuse("there is no operator %.40q", c.Operator).
		WithHint("equals, notEquals, contains, notContains, startsWith, notStartsWith, endsWith, notEndsWith, gt, gte, lt, lte, set, notSet, inDateRange, notInDateRange, beforeDate, beforeOrOnDate, afterDate, afterOrOnDate")
}

func (c condition) null(is bool) query.Filter {
	if is {
		return query.Filter{Column: c.column.Name, Op: query.IsNull}
	}
	return query.Filter{Column: c.column.Name, Op: query.IsNotNull}
}

// orNull is what is not so: for Cube a null is not equal to a value and contains none,
// unless the values name null.
func (c condition) orNull(f query.Filter) query.Filter {
	if slices.Contains(c.Values, nil) {
		return query.Filter{And: []query.Filter{{Not: &f}, c.null(false)}}
	}
	return query.Filter{Or: []query.Filter{{Not: &f}, c.null(true)}}
}

// equals matches any of the values, of which null may be one.
func (c condition) equals() (query.Filter, error) {
	var values []any
	for _, v := range c.Values {
		if v == nil {
			continue
		}
		typed, err := c.value(v)
		if err != nil {
			return query.Filter{}, err
		}
		values = append(values, typed)
	}
	in := query.Filter{Column: c.column.Name, Op: query.In, Value: values}
	switch {
	case len(c.Values) == 0:
		return in, refuse("%s of %s has no values", c.Operator, c.member)
	case len(values) == 0:
		return c.null(true), nil
	case len(values) == len(c.Values):
		return in, nil
	}
	return query.Filter{Or: []query.Filter{in, c.null(true)}}, nil
}

// any matches texts that have any of the values in them.
func (c condition) any(op query.Comparison) (query.Filter, error) {
	if len(c.Values) == 0 {
		return query.Filter{}, refuse("%s of %s has no values", c.Operator, c.member)
	}
	if t := c.column.Type; t != dataset.Text && t != dataset.JSON {
		return query.Filter{}, refuse("%s needs text, and %s is %s", c.Operator, c.member, typeOf(t))
	}
	out := query.Filter{}
	for _, v := range c.Values {
		typed, err := c.value(v)
		if err != nil {
			return out, err
		}
		out.Or = append(out.Or, query.Filter{Column: c.column.Name, Op: op, Value: typed})
	}
	return out, nil
}

// value types a value, which Cube's clients send as text.
func (c condition) value(v any) (any, error) {
	if n, ok := v.(json.Number); ok {
		v = n.String()
	}
	if b, ok := v.(bool); ok {
		v = strconv.FormatBool(b)
	}
	text, ok := v.(string)
	if !ok {
		return nil, refuse("a value of %s is neither text nor a number nor true or false", c.member)
	}
	switch c.column.Type {
	case dataset.Int, dataset.Float:
		if n := json.Number(text); json.Valid([]byte(text)) && isNumber(text) {
			return n, nil
		}
		return nil, refuse("%s is a number, and %.40q is none", c.member, text)
	case dataset.Bool:
		if text != "true" && text != "false" {
			return nil, refuse("%s is true or false, and %.40q is neither", c.member, text)
		}
		return text == "true", nil
	case dataset.Time:
		at, err := c.clock.date(text)
		return instant(at.from), err
	}
	return text, nil
}

// isNumber reports whether a text that is valid JSON is a number.
func isNumber(text string) bool {
	_, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven)
	return err == nil
}

// dates compares a time with dates, each of which is as long as it says.
func (c condition) dates() (query.Filter, error) {
	if c.column.Type != dataset.Time {
		return query.Filter{}, refuse("%s of %s, which is no time", c.Operator, c.member)
	}
	most := 1
	if c.Operator == "inDateRange" || c.Operator == "notInDateRange" {
		most = 2
	}
	if len(c.Values) == 0 || len(c.Values) > most {
		return query.Filter{}, refuse("%s of %s has %d values; %d to %d are right", c.Operator, c.member, len(c.Values), 1, most)
	}
	var r DateRange
	for _, v := range c.Values {
		r = append(r, fmt.Sprint(v))
	}
	span, err := c.clock.span(r)
	if err != nil {
		return query.Filter{}, err
	}
	name, from, to := c.column.Name, instant(span.from), instant(span.to)
	switch c.Operator {
	case "inDateRange":
		return within(name, span), nil
	case "notInDateRange":
		inside := within(name, span)
		return query.Filter{Not: &inside}, nil
	case "beforeDate":
		return query.Filter{Column: name, Op: query.Less, Value: from}, nil
	case "beforeOrOnDate":
		return query.Filter{Column: name, Op: query.Less, Value: to}, nil
	case "afterDate":
		return query.Filter{Column: name, Op: query.GreaterEqual, Value: to}, nil
	}
	return query.Filter{Column: name, Op: query.GreaterEqual, Value: from}, nil // afterOrOnDate
}

func within(column string, span interval) query.Filter {
	return query.Filter{And: []query.Filter{{Column: column, Op: query.GreaterEqual, Value: instant(span.from)}, {Column: column, Op: query.Less, Value: instant(span.to)}}}
}
