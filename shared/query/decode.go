package query

import (
	"fmt"
	"math"

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
	o, err := asObject("", value, "dataset", "kind", "measures", "dimensions", "time", "filter", "order", "limit", "wait_for")
	if err != nil {
		return Request{}, err
	}
	var r Request
	steps := []func() error{
		func() error { return decodeHead(o, &r) },
		func() (err error) { r.Measures, err = decodeEach(o, "measures", MaxMeasures, decodeMeasure); return },
		func() (err error) {
			r.Dimensions, err = decodeEach(o, "dimensions", MaxDimensions, decodeDimension)
			return
		},
		func() (err error) { r.Time, err = decodeTime(o); return },
		func() (err error) { r.Filter, err = decodeFilterField(o, "filter"); return },
		func() (err error) {
			r.Order, err = decodeEach(o, "order", MaxMeasures+MaxDimensions+1, decodeOrder)
			return
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Request{}, err
		}
	}
	return r, nil
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
	if r.Kind, err = choice(o, "kind", []Kind{Aggregate}); err != nil {
		return err
	}
	if r.WaitFor, err = o.text("wait_for"); err != nil {
		return err
	}
	limit, given, err := o.number("limit")
	if err != nil {
		return err
	}
	if given && (limit != math.Trunc(limit) || limit < 1 || limit > MaxLimit) {
		return refuse("limit", "must be a whole number from 1 to %d", MaxLimit)
	}
	r.Limit = int(limit)
	return nil
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
		if text != string(Count) {
			return Measure{}, refuse(path, "%.80q is not a measure", text).
				WithHint(`"count", or an object such as {"op": "sum", "column": "revenue"}`)
		}
		return Measure{Op: Count}, nil
	}
	o, err := asObject(path, value, "name", "op", "column", "q", "filter")
	if err != nil {
		return Measure{}, err
	}
	var m Measure
	if m.Name, err = o.text("name"); err != nil {
		return m, err
	}
	if m.Op, err = choice(o, "op", ops); err != nil {
		return m, err
	}
	if m.Op == "" {
		return m, refuse(path, "has no op").WithHint("ops: %s", listed(texts(ops)))
	}
	if m.Column, err = o.text("column"); err != nil {
		return m, err
	}
	if m.Q, err = decodeQ(o, m.Op); err != nil {
		return m, err
	}
	m.Filter, err = decodeFilterField(o, "filter")
	return m, err
}

func decodeQ(o object, op Op) (float64, error) {
	q, given, err := o.number("q")
	switch {
	case err != nil:
		return 0, err
	case given != (op == Quantile):
		return 0, refuse(o.at("q"), "is for the op quantile, which needs it").WithHint("0.95 is the 95th percentile")
	case q < 0 || q > 1:
		return 0, refuse(o.at("q"), "must be from 0 to 1")
	}
	return q, nil
}

func decodeDimension(path string, value any) (Dimension, error) {
	if text, ok := value.(string); ok {
		return Dimension{Column: text}, nil
	}
	o, err := asObject(path, value, "column", "name")
	if err != nil {
		return Dimension{}, err
	}
	var d Dimension
	if d.Column, err = o.text("column"); err != nil {
		return d, err
	}
	d.Name, err = o.text("name")
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
	o, err := asObject("time", value, "from", "to", "grain", "zone", "week_start")
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
	t.WeekStart, err = choice(o, "week_start", weekdays)
	return &t, err
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = string(item)
	}
	return out
}
