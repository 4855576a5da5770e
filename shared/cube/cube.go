// Package cube speaks the language of Cube's REST API: a dataset is a cube, its
// columns and named dimensions are dimensions, the number of rows and its named
// measures are measures, and its event time is the time dimension. It turns Cube's
// queries into requests of package query and their results into what Cube's clients
// read. What cannot be asked is refused; nothing is left out silently.
package cube

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// Cube is a dataset as Cube's clients see it.
type Cube struct {
	Name    dataset.Name
	columns []dataset.Column
	named   query.Definitions
}

// Of returns what a caller sees of a dataset as a cube.
func Of(name dataset.Name, columns []dataset.Column, named query.Definitions) Cube {
	return Cube{Name: name, columns: columns, named: named}
}

// dimension is something to group and filter by: a column by its own or another name.
type dimension struct {
	name   string // in the cube
	column dataset.Column
}

// measure is something that is computed.
type measure struct {
	name    string
	op      query.Op // empty: of others
	typ     string   // as Cube's clients know it
	request query.Measure
}

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "bad_cube_query", format, args...)
}

func (c Cube) member(name string) string { return string(c.Name) + "." + name }

// own returns a member's name within the cube.
func (c Cube) own(member string) (string, error) {
	name, ok := strings.CutPrefix(member, string(c.Name)+".")
	if !ok || name == "" {
		return "", refuse("%.80q is not a member of %s, which the query begins with", member, c.Name).
			WithHint("a query is of one dataset; send an array of queries to ask several")
	}
	return name, nil
}

func (c Cube) column(name string) (dataset.Column, bool) {
	at := slices.IndexFunc(c.columns, func(c dataset.Column) bool { return c.Name == name })
	if at < 0 {
		return dataset.Column{}, false
	}
	return c.columns[at], true
}

// dimension finds a dimension by its member's name.
func (c Cube) dimension(member string) (dimension, error) {
	name, err := c.own(member)
	if err != nil {
		return dimension{}, err
	}
	if column, ok := c.column(name); ok {
		return dimension{name, column}, nil
	}
	if d := c.named[name].Dimension; d != nil {
		if column, ok := c.column(d.Column); ok {
			return dimension{name, column}, nil
		}
	}
	if _, err := c.measure(member); err == nil {
		return dimension{}, refuse("%s is a measure, and stands where a dimension must", member).WithHint("conditions on measures and on dimensions are filters of their own")
	}
	return dimension{}, refuse("there is no dimension %.80q", member).WithHint("GET /cubejs-api/v1/meta lists those there are")
}

// measure finds a measure by its member's name.
func (c Cube) measure(member string) (measure, error) {
	name, err := c.own(member)
	if err != nil {
		return measure{}, err
	}
	if name == string(query.Count) {
		return measure{name, query.Count, "number", query.Measure{Op: query.Count}}, nil
	}
	if m := c.named[name].Measure; m != nil {
		return measure{name, m.Op, c.typeOf(*m), query.Measure{Ref: name}}, nil
	}
	return measure{}, refuse("there is no measure %.80q", member).
		WithHint("%s is the number of rows; PUT /v1/datasets/%s/definitions/{name} defines more", c.member("count"), c.Name)
}

// typeOf returns the type that a measure's values have for Cube's clients.
func (c Cube) typeOf(m query.Measure) string {
	column, ok := c.column(m.Column)
	if (m.Op == query.Min || m.Op == query.Max) && ok {
		return typeOf(column.Type)
	}
	return "number"
}

func typeOf(t dataset.Type) string {
	switch t {
	case dataset.Int, dataset.Float:
		return "number"
	case dataset.Time:
		return "time"
	case dataset.Bool:
		return "boolean"
	}
	return "string"
}

// dimensions lists what may be grouped by: columns, then those that are named.
func (c Cube) dimensions() []dimension {
	var all []dimension
	for _, column := range c.columns {
		all = append(all, dimension{column.Name, column})
	}
	for _, name := range slices.Sorted(maps.Keys(c.named)) {
		if d, err := c.dimension(c.member(name)); err == nil {
			all = append(all, d)
		}
	}
	return all
}

func (c Cube) measures() []measure {
	names := []string{string(query.Count)}
	for _, name := range slices.Sorted(maps.Keys(c.named)) {
		if c.named[name].Measure != nil {
			names = append(names, name)
		}
	}
	all := make([]measure, len(names))
	for i, name := range names {
		all[i], _ = c.measure(c.member(name)) // it was found by its name
	}
	return all
}

// title writes a name for people: sign_up is Sign Up.
func title(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '.' || r == ' ' })
	for i, w := range words {
		_, first := utf8.DecodeRuneInString(w)
		words[i] = strings.ToUpper(w[:first]) + w[first:]
	}
	return strings.Join(words, " ")
}
