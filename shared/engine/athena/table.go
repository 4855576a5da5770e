package athena

import (
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// target is a snapshot of a table, as the service calls it.
type target struct {
	shown.Table
	database, table string
}

// from writes the table as what follows FROM.
func (t target) from() string {
	return sqltext.Identifier(t.database) + "." + sqltext.Identifier(t.table) + " FOR VERSION AS OF " + integer(t.Snapshot)
}

// restricted writes the rows of some files of the table in a range, as what follows
// FROM. The times restrict what is read at all; of the files that have such times,
// those that are not among the wanted are left out by name.
func (t target) restricted(wanted []segment.Ref, r query.Range) string {
	column := sqltext.Identifier(t.Columns[segment.FieldID(rows.Time, dataset.Time)])
	r = covering(wanted, r)
	sql := t.from() + "\nWHERE " + column + " >= " + instant(r.From) + " AND " + column + " < " + instant(r.To)
	keep := make(map[string]bool, len(wanted))
	for _, ref := range wanted {
		keep[ref.Key] = true
	}
	var kept, dropped []string
	for _, f := range t.Files {
		switch location := sqltext.Literal(t.Root + f.Key); {
		case keep[f.Key]:
			kept = append(kept, location)
		case f.MinTime < r.To && f.MaxTime >= r.From:
			dropped = append(dropped, location)
		}
	}
	switch {
	case len(dropped) == 0:
		return sql
	case len(dropped) < len(kept):
		return sql + "\nAND \"$path\" NOT IN (" + strings.Join(dropped, ", ") + ")"
	}
	return sql + "\nAND \"$path\" IN (" + strings.Join(kept, ", ") + ")"
}

// covering narrows a range to the times of some segments.
func covering(refs []segment.Ref, r query.Range) query.Range {
	least, most := refs[0].MinTime, refs[0].MaxTime
	for _, ref := range refs {
		least, most = min(least, ref.MinTime), max(most, ref.MaxTime)
	}
	return query.Range{From: max(r.From, least), To: min(r.To, most+1)}
}

// types are those that a column may have had in files, narrower ones first.
var types = []dataset.Type{dataset.Bool, dataset.Int, dataset.Float, dataset.Time, dataset.Text, dataset.JSON}

var sqlTypes = map[dataset.Type]string{
	dataset.Bool: "BOOLEAN", dataset.Int: "BIGINT", dataset.Float: "DOUBLE",
	dataset.Text: "VARCHAR", dataset.Time: "TIMESTAMP", dataset.JSON: "VARCHAR",
}

// column writes the expression that reads a field. A row's value is in the column of
// the type that the field had when the row's file was written.
func (t target) column(f query.Field, schema dataset.Schema) (string, error) {
	if f.Mask != "" {
		return "", refusal("column %q is masked for the caller", f.Name)
	}
	if f.InJSON {
		return "", refusal("property %q, which has no column of its own, cannot be read there", f.Name)
	}
	var all []string
	place := placeOf(f.Name, schema)
	for _, was := range types {
		name, ok := t.Columns[segment.FieldID(place, was)]
		if place < 0 || !ok {
			continue
		}
		expression, ok := widened(sqltext.Identifier(name), was, f.Type)
		if !ok {
			return "", refusal("column %q, which has held values of type %s, cannot be read there as %s", f.Name, was, f.Type)
		}
		all = append(all, expression)
	}
	if name, ok := t.Columns[segment.FieldUUID]; ok && f.Name == dataset.ColumnEventID {
		all = append(all, "CAST("+sqltext.Identifier(name)+" AS VARCHAR)")
	}
	switch len(all) {
	case 0:
		return "CAST(NULL AS " + sqlTypes[f.Type] + ")", nil
	case 1:
		return all[0], nil
	}
	return "COALESCE(" + strings.Join(all, ", ") + ")", nil
}

// placeOf returns the place of a column among all of a dataset's, or -1.
func placeOf(name string, schema dataset.Schema) int {
	if at := slices.IndexFunc(dataset.Fixed, func(c dataset.Column) bool { return c.Name == name }); at >= 0 {
		return at
	}
	if at := schema.Find(name); at >= 0 {
		return rows.FirstProperty + at
	}
	return -1
}

// widened converts an expression to the type that its column has now, with the text
// that ingestion would give it: other engines write floats, times and JSON otherwise.
func widened(expression string, from, to dataset.Type) (string, bool) {
	switch {
	case from == to:
		return expression, true
	case to == dataset.Float && from == dataset.Int:
		return "CAST(" + expression + " AS DOUBLE)", true
	case (to == dataset.Text || to == dataset.JSON) && (from == dataset.Int || from == dataset.Bool):
		return "CAST(" + expression + " AS VARCHAR)", true
	}
	return "", false
}
