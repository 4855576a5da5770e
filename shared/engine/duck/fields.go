package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
)

// fields are what a plan reads of each row. In SQL the i'th is called c{i}: names
// of columns differ by case alone or hold anything, and DuckDB's do not.
type fields []query.Field

func (f fields) alias(field query.Field) string {
	return "c" + strconv.Itoa(slices.Index(f, field))
}

var timeField = query.Field{Name: dataset.ColumnTime, Type: dataset.Time}

func (f *fields) addDimensions(all []query.Group) {
	for _, d := range all {
		f.add(d.Field)
	}
}

func (f *fields) add(field query.Field) {
	if !slices.Contains(*f, field) {
		*f = append(*f, field)
	}
}

func (f *fields) addFilter(e *query.Expr) {
	if e == nil {
		return
	}
	if e.Field != nil {
		f.add(*e.Field)
	}
	for i := range e.Args {
		f.addFilter(&e.Args[i])
	}
}

// instant is the type of a field that holds a time as a TIMESTAMP, for who writes SQL.
const instant dataset.Type = "instant"

// sqlTypes are the types of fields in relations: times are BIGINT microseconds,
// because integer arithmetic buckets them.
var sqlTypes = map[dataset.Type]string{
	dataset.Bool: "BOOLEAN", dataset.Int: "BIGINT", dataset.Float: "DOUBLE",
	dataset.Text: "VARCHAR", dataset.Time: "BIGINT", dataset.JSON: "VARCHAR", instant: "TIMESTAMP", moment: "BIGINT",
}

// widened converts an SQL expression of one type to the type that its column has
// now, with the text that ingestion would give it.
func widened(expression string, from, to dataset.Type) string {
	switch {
	case from == to, to == moment: // only times become such
		return expression
	case to == instant: // only times become such
		return "make_timestamp(" + expression + ")"
	case to == dataset.Float:
		return "CAST(" + expression + " AS DOUBLE)"
	case from == dataset.Float:
		return floatText + "(" + expression + ")"
	case from == dataset.Time:
		return widened(timeText+"("+expression+")", dataset.Text, to)
	case from == dataset.Text && to == dataset.JSON:
		return "CAST(to_json(" + expression + ") AS VARCHAR)"
	case from == dataset.JSON:
		return expression
	}
	return "CAST(" + expression + " AS VARCHAR)"
}

// property reads a property of a JSON column as text.
func property(column, name string) string {
	pointer := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return "json_extract_string(" + column + ", " + sqltext.Literal(pointer) + ")"
}

// masked writes what is seen in the place of a text.
func masked(text string, mask query.Mask) string {
	if salt, ok := mask.Salt(); ok {
		return "left(sha256(" + sqltext.Literal(salt) + " || " + text + "), 32)"
	}
	if letters, ok := mask.Letters(); ok {
		return fmt.Sprintf("left(%s, %d)", text, letters)
	}
	return "CAST(NULL AS VARCHAR)"
}
