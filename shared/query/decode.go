package query

import (
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// Decode reads a request strictly: a field that does not exist, a field given
// twice, a value of another type or anything past the limits is fault.Invalid (or
// fault.TooLarge), with the place and what would be right.
func Decode(body []byte) (Request, error) {
	value, err := parse(body)
	if err != nil {
		return Request{}, err
	}
	return decodeRequest("", value)
}

// headFields are of all kinds.
var headFields = []string{"dataset", "kind", "time", "filter", "wait_for", "explain"}

// kindFields are of one kind, beside headFields.
var kindFields = map[Kind][]string{
	Aggregate: {"measures", "dimensions", "top", "compare", "having", "totals", "order", "limit"},
	Funnel:    {"subject", "steps", "unordered", "window", "exclude", "dimensions", "limit"},
	Retention: {"subject", "cohort", "returning", "recurring", "periods", "dimensions", "limit"},
	Paths:     {"subject", "column", "start", "before", "depth", "collapse", "dimensions", "order", "limit"},
	Sessions:  {"subject", "timeout", "dimensions", "order", "limit"},
	Audience:  {"subject", "where", "list", "dimensions", "order", "limit"},
}

func decodeRequest(path string, value any) (Request, error) {
	members, _ := value.(map[string]any)
	kind, err := choice(object{path, members}, "kind", kinds)
	if err != nil {
		return Request{}, err
	}
	if kind == "" {
		kind = Aggregate
	}
	o, err := asObject(path, value, slices.Concat(headFields, kindFields[kind])...)
	if err != nil {
		return Request{}, err
	}
	r := Request{Kind: kind}
	steps := []func() error{
		func() error { return decodeHead(o, &r) },
		func() (err error) { r.Explain, err = o.boolean("explain"); return },
		func() (err error) { r.Measures, err = decodeEach(o, "measures", MaxMeasures, decodeMeasure); return },
		func() (err error) {
			r.Dimensions, err = decodeEach(o, "dimensions", MaxDimensions, decodeDimension)
			return
		},
		func() (err error) { r.Time, err = decodeTime(o); return },
		func() (err error) { r.Filter, err = decodeFilterField(o, "filter"); return },
		func() (err error) { r.Top, err = decodeTop(o); return },
		func() (err error) { r.Compare, err = decodeCompare(o); return },
		func() (err error) { r.Having, err = decodeFilterField(o, "having"); return },
		func() (err error) { r.Totals, err = choice(o, "totals", totals); return },
		func() error { return decodeFollowed(o, &r) },
		func() (err error) {
			r.Order, err = decodeEach(o, "order", MaxMeasures+MaxDimensions+1, decodeOrder)
			return
		},
	}
	return r, first(steps...)
}

func decodeHead(o object, r *Request) error {
	name, err := o.text("dataset")
	if err != nil {
		return err
	}
	if name == "" {
		return refuse("dataset", "is missing").WithHint(`name the dataset to ask: {"dataset": "web", "measures": ["count"]}`)
	}
	r.Dataset = dataset.Name(name)
	if r.WaitFor, err = o.text("wait_for"); err != nil {
		return err
	}
	r.Limit, err = o.whole("limit", 1, MaxLimit)
	return err
}

// decodeEach decodes the items of a list field, in order.
func decodeEach[T any](o object, name string, limit int, item func(string, any) (T, error)) ([]T, error) {
	list, err := o.list(name, limit)
	if err != nil || list == nil {
		return nil, err
	}
	out := make([]T, len(list))
	for i, value := range list {
		if out[i], err = item(fmt.Sprintf("%s[%d]", o.at(name), i), value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeMeasure(path string, value any) (Measure, error) {
	if text, ok := value.(string); ok {
		switch text {
		case "":
			return Measure{}, refuse(path, "is empty")
		case string(Count):
			return Measure{Op: Count}, nil
		}
		return Measure{Ref: text}, nil
	}
	o, err := asObject(path, value, "name", "op", "column", "q", "filter", "of", "expr", "hidden", "ref")
	if err != nil {
		return Measure{}, err
	}
	var m Measure
	err = first(
		func() (err error) { m.Name, err = o.text("name"); return },
		func() (err error) { m.Op, err = choice(o, "op", ops); return },
		func() (err error) { m.Expr, err = o.text("expr"); return },
		func() (err error) { m.Hidden, err = o.boolean("hidden"); return },
		func() (err error) { m.Ref, err = o.text("ref"); return },
		func() (err error) { m.Column, err = o.text("column"); return },
		func() (err error) { m.Q, err = decodeQ(o, m.Op); return },
		func() (err error) { m.Of, err = decodeEach(o, "of", 2, decodeText); return },
		func() (err error) { m.Filter, err = decodeFilterField(o, "filter"); return },
	)
	if err != nil {
		return m, err
	}
	return m, m.check(path, o.members)
}

// check refuses what does not go together.
func (m Measure) check(path string, members map[string]any) error {
	derived := m.Op == Ratio || m.Op == RunningTotal
	switch {
	case m.Ref != "":
		if len(members) > 2 || len(members) == 2 && !m.Hidden {
			return refuse(path, "a defined measure is taken as it is").WithHint(`{"ref": "revenue"}, and hidden if need be`)
		}
		return nil
	case (m.Op == "") == (m.Expr == ""):
		return refuse(path, "has no op").WithHint(`give either an op (%s) or an expr such as "revenue / users"`, listed(texts(ops)))
	case (derived || m.Expr != "") && (m.Column != "" || m.Filter != nil):
		return refuse(path, "is computed of other measures, and takes neither column nor filter").WithHint("give those to the measures that it is computed of")
	case m.Op == Ratio && len(m.Of) != 2:
		return refuse(path+".of", "a ratio is of two measures").WithHint(`{"op": "ratio", "of": ["revenue", "users"]}, by their names`)
	case m.Op == RunningTotal && len(m.Of) != 1:
		return refuse(path+".of", "a running total is of one measure").WithHint(`{"op": "running_total", "of": ["revenue"]}, by its name`)
	case !derived && len(m.Of) > 0:
		return refuse(path+".of", "is for the ops ratio and running_total")
	case m.Expr != "" && m.Name == "":
		return refuse(path, "an expression needs a name").WithHint(`{"name": "per_user", "expr": "revenue / users"}`)
	}
	return nil
}

func decodeText(path string, value any) (string, error) {
	text, ok := value.(string)
	if !ok || text == "" {
		return "", refuse(path, "must be text, not %s", kindName(value))
	}
	return text, nil
}

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func decodeTop(parent object) (*Top, error) {
	value := parent.members["top"]
	if value == nil {
		return nil, nil
	}
	o, err := asObject(parent.at("top"), value, "n", "dimension", "by", "other")
	if err != nil {
		return nil, err
	}
	var t Top
	err = first(
		func() (err error) { t.N, err = o.whole("n", 1, MaxTop); return },
		func() (err error) { t.Dimension, err = o.text("dimension"); return },
		func() (err error) { t.By, err = o.text("by"); return },
		func() (err error) { t.Other, err = o.boolean("other"); return },
	)
	if err == nil && t.N == 0 {
		err = refuse(o.at("n"), "is missing").WithHint("how many values to keep: 1 to %d", MaxTop)
	}
	return &t, err
}

func decodeCompare(parent object) (*Compare, error) {
	value := parent.members["compare"]
	if value == nil {
		return nil, nil
	}
	o, err := asObject(parent.at("compare"), value, "unit", "count")
	if err != nil {
		return nil, err
	}
	var c Compare
	err = first(
		func() (err error) { c.Unit, err = choice(o, "unit", shiftUnits); return },
		func() (err error) { c.Count, err = o.whole("count", 1, MaxShift); return },
	)
	return &c, err
}

func decodeQ(o object, op Op) (float64, error) {
	q, given, err := o.number("q")
	switch {
	case err != nil:
		return 0, err
	case given != (op == Quantile || op == ApproxQuantile):
		return 0, refuse(o.at("q"), "is for the ops quantile and approx_quantile, which need it").WithHint("0.95 is the 95th percentile")
	case q < 0 || q > 1:
		return 0, refuse(o.at("q"), "must be from 0 to 1")
	}
	return q, nil
}

func decodeDimension(path string, value any) (Dimension, error) {
	if text, ok := value.(string); ok {
		return Dimension{Column: text}, nil
	}
	o, err := asObject(path, value, "column", "name", "at")
	if err != nil {
		return Dimension{}, err
	}
	var d Dimension
	if d.Column, err = o.text("column"); err != nil {
		return d, err
	}
	if d.Name, err = o.text("name"); err != nil {
		return d, err
	}
	d.At, err = choice(o, "at", []At{Entry, Exit})
	return d, err
}

func decodeOrder(path string, value any) (Order, error) {
	o, err := asObject(path, value, "by", "desc")
	if err != nil {
		return Order{}, err
	}
	var order Order
	if order.By, err = o.text("by"); err != nil {
		return order, err
	}
	order.Desc, err = o.boolean("desc")
	return order, err
}

func decodeTime(parent object) (*Time, error) {
	value := parent.members["time"]
	if value == nil {
		return nil, nil
	}
	o, err := asObject(parent.at("time"), value, "from", "to", "grain", "zone", "week_start", "fill")
	if err != nil {
		return nil, err
	}
	var t Time
	if t.From, err = o.text("from"); err != nil {
		return nil, err
	}
	if t.To, err = o.text("to"); err != nil {
		return nil, err
	}
	if t.Grain, err = choice(o, "grain", calendar.Grains); err != nil {
		return nil, err
	}
	if t.Zone, err = o.text("zone"); err != nil {
		return nil, err
	}
	if t.WeekStart, err = choice(o, "week_start", weekdays); err != nil {
		return nil, err
	}
	t.Fill, err = o.boolean("fill")
	return &t, err
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = string(item)
	}
	return out
}
