// Package question makes the document of a query from what people type as flags:
//
//	measures    count   sum:price   revenue=sum:price   p95=quantile:price:0.95   paid_users
//	filters     event = order_paid   price >= 10   country in CH,DE   url is_null
//	times       2026-01-31   2026-01-31T12:00:00Z   7d (ago)
//
// What a query may ask is the server's to judge: here is only what the words stand for.
package question

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Flags are a query as it is typed.
type Flags struct {
	Dataset  string
	Measures []string
	By       []string
	Filters  []string // all of which hold
	From, To string
	Grain    string
	Zone     string
	Order    []string // a name; after a minus, descending
	Limit    int      // 0: the server's
	WaitFor  string
	Explain  bool
}

// Query is the document of POST /v1/query, as far as flags reach.
type Query struct {
	Dataset    string  `json:"dataset"`
	Measures   []any   `json:"measures"`
	Dimensions []any   `json:"dimensions,omitempty"`
	Time       *Time   `json:"time,omitempty"`
	Filter     *Filter `json:"filter,omitempty"`
	Order      []Order `json:"order,omitempty"`
	Limit      int     `json:"limit,omitempty"`
	WaitFor    string  `json:"wait_for,omitempty"`
	Explain    bool    `json:"explain,omitempty"`
}

// Measure is one that is not only named.
type Measure struct {
	Name   string   `json:"name,omitempty"`
	Op     string   `json:"op,omitempty"`
	Column string   `json:"column,omitempty"`
	Q      *float64 `json:"q,omitempty"`
	Ref    string   `json:"ref,omitempty"`
}

// Time is when.
type Time struct {
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	Grain string `json:"grain,omitempty"`
	Zone  string `json:"zone,omitempty"`
}

// Filter is a condition, or several that all hold.
type Filter struct {
	And    []Filter `json:"and,omitempty"`
	Column string   `json:"column,omitempty"`
	Op     string   `json:"op,omitempty"`
	Value  any      `json:"value,omitempty"`
}

// Order is what to sort by.
type Order struct {
	By   string `json:"by"`
	Desc bool   `json:"desc,omitempty"`
}

// Query returns the document. It fails where words stand for nothing.
func (f Flags) Query(now time.Time) (Query, error) {
	q := Query{Dataset: f.Dataset, Limit: f.Limit, WaitFor: f.WaitFor, Explain: f.Explain, Measures: []any{}}
	if f.Limit < 0 {
		return q, fmt.Errorf("limit %d: at least 1", f.Limit)
	}
	for _, text := range f.Measures {
		m, err := measure(text)
		if err != nil {
			return q, fmt.Errorf("measure %q: %w", text, err)
		}
		q.Measures = append(q.Measures, m)
	}
	if len(q.Measures) == 0 {
		q.Measures = append(q.Measures, "count")
	}
	for _, text := range f.By {
		if text == "" {
			return q, fmt.Errorf("an empty name to group by")
		}
		q.Dimensions = append(q.Dimensions, text)
	}
	for _, text := range f.Order {
		name, desc := strings.CutPrefix(text, "-")
		if name == "" {
			return q, fmt.Errorf("order %q names nothing", text)
		}
		q.Order = append(q.Order, Order{name, desc})
	}
	var err error
	if q.Filter, err = filter(f.Filters); err != nil {
		return q, err
	}
	q.Time, err = f.time(now)
	return q, err
}

func measure(text string) (any, error) {
	name, rest, named := strings.Cut(text, "=")
	if !named {
		name, rest = "", text
	}
	if named && name == "" || rest == "" {
		return nil, fmt.Errorf("write op:column, name=op:column, count, or the name of a defined measure")
	}
	parts := strings.Split(rest, ":")
	if len(parts) == 1 {
		switch {
		case !named:
			return rest, nil
		case rest == "count":
			return Measure{Name: name, Op: rest}, nil
		}
		return Measure{Name: name, Ref: rest}, nil
	}
	m := Measure{Name: name, Op: parts[0], Column: parts[1]}
	if m.Op == "" || m.Column == "" || len(parts) > 3 {
		return nil, fmt.Errorf("write op:column, or quantile:column:0.95")
	}
	if len(parts) == 3 {
		q, err := strconv.ParseFloat(parts[2], 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return nil, fmt.Errorf("%q is no number from 0 to 1", parts[2])
		}
		m.Q = &q
	}
	return m, nil
}

func filter(texts []string) (*Filter, error) {
	var all []Filter
	for _, text := range texts {
		f, err := condition(text)
		if err != nil {
			return nil, fmt.Errorf("filter %q: %w", text, err)
		}
		all = append(all, f)
	}
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return &all[0], nil
	}
	return &Filter{And: all}, nil
}

// signs are the ops that need no spaces around them, the longer ones first.
var signs = []string{"!=", "<=", ">=", "=", "<", ">"}

// words are the ops between spaces, and how many values each takes.
var words = map[string]int{"in": many, "not_in": many, "between": 2, "contains": 1, "starts_with": 1, "ends_with": 1, "is_null": 0, "is_not_null": 0}

const many = -1

// condition reads "column op value". What stands first is the column; of an op in
// letters, spaces tell it from the column and the value.
func condition(text string) (Filter, error) {
	if fields := strings.SplitN(strings.TrimSpace(text), " ", 3); len(fields) > 1 {
		if count, is := words[fields[1]]; is {
			return worded(fields, count)
		}
	}
	at, sign := len(text), ""
	for _, s := range signs {
		if i := strings.Index(text, s); i >= 0 && i < at {
			at, sign = i, s
		}
	}
	column := strings.TrimSpace(text[:at])
	if sign == "" || column == "" {
		return Filter{}, fmt.Errorf("write column, op and value: one of %s, or between spaces %s", strings.Join(signs, " "), strings.Join(wordList(), " "))
	}
	v := value(text[at+len(sign):])
	if v == nil {
		return Filter{}, fmt.Errorf("null is asked for by is_null and is_not_null")
	}
	return Filter{Column: column, Op: sign, Value: v}, nil
}

func wordList() (all []string) {
	for word := range words {
		all = append(all, word)
	}
	slices.Sort(all)
	return all
}

func worded(fields []string, count int) (Filter, error) {
	f := Filter{Column: fields[0], Op: fields[1]}
	rest := ""
	if len(fields) == 3 {
		rest = strings.TrimSpace(fields[2])
	}
	if count == 0 {
		if rest != "" {
			return f, fmt.Errorf("%s takes no value", f.Op)
		}
		return f, nil
	}
	if rest == "" {
		return f, fmt.Errorf("%s needs a value", f.Op)
	}
	if count == 1 {
		if f.Value = value(rest); f.Value == nil {
			return f, fmt.Errorf("null is asked for by is_null and is_not_null")
		}
		return f, nil
	}
	list := values(rest)
	if count != many && len(list) != count {
		return f, fmt.Errorf("%s needs %d values with a comma between", f.Op, count)
	}
	f.Value = list
	return f, nil
}

// values reads a JSON list, or values with commas between.
func values(text string) []any {
	var list []any
	if strings.HasPrefix(text, "[") && decode(text, &list) == nil && len(list) > 0 {
		return list
	}
	list = nil
	for part := range strings.SplitSeq(text, ",") {
		list = append(list, value(part))
	}
	return list
}

// value reads a JSON number, bool, text or null; all else is text as it stands. Quotes
// make text of what looks like a number.
func value(text string) any {
	text = strings.TrimSpace(text)
	var v any
	if decode(text, &v) != nil {
		return text
	}
	switch v.(type) {
	case map[string]any, []any:
		return text
	}
	return v
}

// decode reads one JSON value, with numbers as they are written.
func decode(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() || strings.TrimSpace(text[d.InputOffset():]) != "" {
		return fmt.Errorf("more than one value")
	}
	return nil
}
