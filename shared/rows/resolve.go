package rows

import (
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

// maxName is the longest name of a property column, in bytes. A property of a
// longer name stays in the JSON column.
const maxName = 200

// Resolve says what the schema must be before e can be appended: the same one, one
// that adds or widens columns, or, where the refusal is not zero, none at all. An
// explicit null counts as the absence of a value: it makes and widens nothing and is
// not kept.
func Resolve(schema dataset.Schema, e *events.Event, onConflict dataset.OnConflict) (next dataset.Schema, changed bool, refusal events.Refusal) {
	if e.Shape == nil {
		return schema, false, events.Refusal{}
	}
	columns := slices.Clip(schema.Columns) // what is appended is ours
	places := place(columnsByName(schema), e.Shape)
	for i, name := range e.Shape.Names {
		v, at := &e.Values[i], places[i]
		switch {
		case v.Kind == events.Null || at == apart:
		case at == absent:
			if len(columns) < dataset.MaxColumns {
				columns = append(columns, inferred(name, v))
			}
		case fits(columns[at], v):
		case !columns[at].Declared:
			if len(columns) == len(schema.Columns) {
				columns = slices.Clone(columns)
			}
			columns[at], changed = columns[at].Widen(inferred(name, v)), true
		case onConflict != dataset.Keep:
			return schema, false, conflict(columns[at], v)
		}
	}
	if changed = changed || len(columns) > len(schema.Columns); !changed {
		return schema, false, events.Refusal{}
	}
	return dataset.Schema{Version: schema.Version + 1, Columns: columns}, true, events.Refusal{}
}

// Where a property goes, if not to the column of that index.
const (
	apart  = -1 // never a column: it stays in the JSON column
	absent = -2 // no column yet
)

// place finds the columns of a shape's properties. A name that comes twice has its
// first value in the column and the others in the JSON column.
func place(columns map[string]int, shape *events.Shape) []int {
	places := make([]int, len(shape.Names))
	seen := make(map[string]bool, len(shape.Names))
	for i, name := range shape.Names {
		at, ok := columns[name]
		switch {
		case name == "" || len(name) > maxName || dataset.IsFixed(name) || seen[name]:
			places[i] = apart
		case ok:
			places[i] = at
		default:
			places[i] = absent
		}
		seen[name] = true
	}
	return places
}

func columnsByName(s dataset.Schema) map[string]int {
	columns := make(map[string]int, len(s.Columns))
	for i, c := range s.Columns {
		columns[c.Name] = i
	}
	return columns
}

// fits reports whether a column holds v as it stands. What a text column takes of
// other kinds it takes as text, and a JSON column as JSON.
func fits(c dataset.Column, v *events.Value) bool {
	switch c.Type {
	case dataset.Bool:
		return v.Kind == events.Bool
	case dataset.Int:
		return v.Kind == events.Int && (c.Wide || c.Declared || dataset.ExactFloat(v.Int))
	case dataset.Float:
		_, ok := asFloat(v)
		return ok
	case dataset.Time:
		_, ok := asTime(v)
		return ok
	case dataset.Text:
		return v.Kind != events.JSON
	default:
		return true
	}
}

// inferred is the column that a first value makes.
func inferred(name string, v *events.Value) dataset.Column {
	return dataset.Column{Name: name, Type: typeOf(v), Wide: isWide(v)}
}

func isWide(v *events.Value) bool { return v.Kind == events.Int && !dataset.ExactFloat(v.Int) }

var types = map[events.Kind]dataset.Type{
	events.Bool: dataset.Bool, events.Int: dataset.Int, events.Float: dataset.Float,
	events.Text: dataset.Text, events.JSON: dataset.JSON, events.Big: dataset.Text,
}

func typeOf(v *events.Value) dataset.Type { return types[v.Kind] }

func conflict(c dataset.Column, v *events.Value) events.Refusal {
	return events.Refusal{
		Code:   "value_conflict",
		Reason: fmt.Sprintf("property %q is declared as %s, which the value (%s) does not fit", c.Name, c.Type, typeOf(v)),
	}
}
