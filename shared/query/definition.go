package query

import (
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Definition is something named that lives with a dataset: exactly one of its
// pointers is set. A query of kind audience can be a filter by its name.
type Definition struct {
	Version   int        `json:"version"`
	Measure   *Measure   `json:"measure,omitempty"`
	Dimension *Dimension `json:"dimension,omitempty"`
	Query     *Request   `json:"query,omitempty"`
}

// Definitions are a dataset's, by name.
type Definitions map[string]Definition

// DecodeDefinition reads a definition of a dataset strictly, as Decode does.
func DecodeDefinition(body []byte, of dataset.Name) (Definition, error) {
	value, err := parse(body)
	if err != nil {
		return Definition{}, err
	}
	o, err := asObject("", value, "measure", "dimension", "query")
	if err != nil {
		return Definition{}, err
	}
	if len(o.members) != 1 {
		return Definition{}, refuse("", "must be one of a measure, a dimension or a query").WithHint(`{"measure": {"op": "sum", "column": "revenue"}}`)
	}
	var d Definition
	switch {
	case o.members["measure"] != nil:
		m, err := decodeMeasure("measure", o.members["measure"])
		d.Measure = &m
		return d, err
	case o.members["dimension"] != nil:
		dimension, err := decodeDimension("dimension", o.members["dimension"])
		d.Dimension = &dimension
		return d, err
	}
	if members, ok := o.members["query"].(map[string]any); ok && members["dataset"] == nil {
		members["dataset"] = string(of)
	}
	r, err := decodeRequest("query", o.members["query"])
	if err == nil && r.Dataset != of {
		err = refuse("query.dataset", "is %q, and the definition is of %q", r.Dataset, of).WithHint("leave it out")
	}
	if err == nil && r.WaitFor != "" {
		err = refuse("query.wait_for", "is of one request, and cannot be saved")
	}
	d.Query = &r
	return d, err
}

// Check says with fault.Invalid why a definition cannot have a name: another's takes
// it, or it does not fit the dataset and its other definitions.
func (d Definition) Check(name string, kind dataset.Kind, schema dataset.Schema, named Definitions) error {
	r := Request{Measures: []Measure{{Op: Count}}}
	switch {
	case d.Query != nil:
		r = *d.Query
	case d.Dimension != nil:
		if _, taken := scopeOf(Whole(kind, schema)).columns[name]; taken {
			return refuse("", "%q is a column", name).WithHint("choose another name: a column's name always means the column")
		}
		r.Dimensions = []Dimension{{Column: name}}
	case name == string(Count):
		return refuse("", "%q is the number of rows", name).WithHint("choose another name")
	default:
		r.Measures = []Measure{{Ref: name}}
		if d.Measure.Op == RunningTotal {
			r.Time = &Time{Grain: "day"}
		}
	}
	with := Definitions{name: d}
	for n, other := range named {
		if n != name {
			with[n] = other
		}
	}
	_, err := Bind(r, Whole(kind, schema), with)
	return err
}

// Refers reports whether the request may name definitions.
func (r Request) Refers(seen View) bool {
	own := map[string]bool{}
	for _, m := range r.Measures {
		if m.Ref != "" || m.Filter.refers() || slices.ContainsFunc(m.refers(), func(name string) bool { return !own[name] }) {
			return true
		}
		own[m.Name] = true
		if m.Name == "" {
			own[defaultName(m)] = true
		}
	}
	columns := scopeOf(seen).columns
	for _, d := range r.Dimensions {
		if _, ok := columns[d.Column]; !ok {
			return true
		}
	}
	filters := []*Filter{r.Filter, r.Cohort, r.Returning}
	for _, s := range r.Steps {
		filters = append(filters, s.Filter)
	}
	for i := range r.Exclude {
		filters = append(filters, &r.Exclude[i].Filter)
	}
	return slices.ContainsFunc(filters, (*Filter).refers) || r.Where.refers()
}

// refers reports whether the filter names an audience.
func (f *Filter) refers() bool {
	if f == nil {
		return false
	}
	of := func(f Filter) bool { return f.refers() }
	return f.Audience != "" || f.Not.refers() || slices.ContainsFunc(f.And, of) || slices.ContainsFunc(f.Or, of)
}

func (b *Behaviour) refers() bool {
	if b == nil {
		return false
	}
	of := func(b Behaviour) bool { return b.refers() }
	return b.Did.refers() || b.Not.refers() || slices.ContainsFunc(b.And, of) || slices.ContainsFunc(b.Or, of)
}
