package query

import (
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// scope knows which names a dataset's queries may use.
type scope struct {
	columns    map[string]dataset.Type
	names      []string
	properties bool // there is a JSON column of what has no column of its own
	json       bool // further names may lie in it
}

func scopeOf(kind dataset.Kind, schema dataset.Schema) scope {
	s := scope{columns: map[string]dataset.Type{}, properties: kind == dataset.Events}
	if kind == dataset.Events {
		for _, c := range dataset.Fixed {
			s.add(c)
		}
	}
	for _, c := range schema.Columns {
		s.add(c)
	}
	s.json = s.properties && len(schema.Columns) >= dataset.MaxColumns
	return s
}

func (s *scope) add(c dataset.Column) {
	s.columns[c.Name] = c.Type
	s.names = append(s.names, c.Name)
}

// propertyPrefix names a property that lies in the JSON column whatever columns
// there are: one that has a fixed column's name, or one whose value did not fit.
const propertyPrefix = dataset.ColumnProperties + "."

// field finds what a name stands for: a column; or the property after
// "properties."; or, once the schema has as many columns as it may, any property,
// as text. While the schema has room every property that ever came in is a column,
// so another name is a mistake.
func (s scope) field(path, name string) (Field, error) {
	if t, ok := s.columns[name]; ok {
		return Field{Name: name, Type: t}, nil
	}
	if property, ok := strings.CutPrefix(name, propertyPrefix); ok && s.properties && property != "" {
		return Field{Name: property, Type: dataset.Text, InJSON: true}, nil
	}
	if s.json && name != "" {
		return Field{Name: name, Type: dataset.Text, InJSON: true}, nil
	}
	return Field{}, refuse(path, "there is no column %.80q", name).WithHint("%s", suggest(name, s.names, "columns"))
}
