package query

import (
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// scope knows which names a dataset's queries may use.
type scope struct {
	columns    map[string]Field
	names      []string
	properties bool // there is a JSON column of what has no column of its own
	json       bool // further names may lie in it
}

func scopeOf(seen View) scope {
	s := scope{columns: map[string]Field{}, properties: seen.Kind == dataset.Events && seen.maskOf(dataset.ColumnProperties) == ""}
	for _, f := range seen.Fields() {
		s.columns[f.Name] = f
		s.names = append(s.names, f.Name)
	}
	s.json = s.properties && len(seen.Schema.Columns) >= dataset.MaxColumns
	return s
}

// propertyPrefix names a property that lies in the JSON column whatever columns
// there are: one that has a fixed column's name, or one whose value did not fit.
const propertyPrefix = dataset.ColumnProperties + "."

// field finds what a name stands for: a column; or the property after
// "properties."; or, once the schema has as many columns as it may, any property,
// as text. While the schema has room every property that ever came in is a column,
// so another name is a mistake.
func (s scope) field(path, name string) (Field, error) {
	if field, ok := s.columns[name]; ok {
		return field, nil
	}
	if property, ok := strings.CutPrefix(name, propertyPrefix); ok && s.properties && property != "" {
		return Field{Name: property, Type: dataset.Text, InJSON: true}, nil
	}
	if s.json && name != "" {
		return Field{Name: name, Type: dataset.Text, InJSON: true}, nil
	}
	return Field{}, refuse(path, "there is no column %.80q", name).WithHint("%s", suggest(name, s.names, "columns"))
}
