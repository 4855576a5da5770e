package query

import (
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Selection asks for rows as they are, and not for what can be computed of them.
type Selection struct {
	Dataset dataset.Name `json:"dataset" example:"web"`
	Columns []string     `json:"columns,omitempty" doc:"columns, or the names of defined dimensions; default: all columns that the dataset has" maxItems:"300"`
	Filter  *Filter      `json:"filter,omitempty"`
	Time    *Time        `json:"time,omitempty" doc:"from and to alone"`
	WaitFor string       `json:"wait_for,omitempty" doc:"the Tarn-Version of an ingest answer: wait until that is seen"`
}

// MaxColumns bounds the columns of a Selection.
const MaxColumns = 300

// RowsPlan is a Selection bound to a schema.
type RowsPlan struct {
	Definitions []Used `json:"-"` // the named dimensions among its columns
	Rows
	Fields []Group `json:"fields"`
}

// Columns describes the rows.
func (p RowsPlan) Columns() []Column { return Keys{Dimensions: p.Fields}.Columns() }

// DecodeSelection reads a Selection as strictly as Decode does.
func DecodeSelection(body []byte) (Selection, error) {
	value, err := parse(body)
	if err != nil {
		return Selection{}, err
	}
	o, err := asObject("", value, "dataset", "columns", "filter", "time", "wait_for")
	if err != nil {
		return Selection{}, err
	}
	var s Selection
	var head Request
	if err := decodeHead(o, &head); err != nil {
		return Selection{}, err
	}
	s.Dataset, s.WaitFor = head.Dataset, head.WaitFor
	if s.Columns, err = decodeEach(o, "columns", MaxColumns, func(path string, value any) (string, error) {
		name, ok := value.(string)
		if !ok || name == "" {
			return "", refuse(path, "a column is a name")
		}
		return name, nil
	}); err != nil {
		return Selection{}, err
	}
	if s.Filter, err = decodeFilterField(o, "filter"); err != nil {
		return Selection{}, err
	}
	if s.Time, err = decodeTime(o); err != nil {
		return Selection{}, err
	}
	if s.Filter != nil && s.Filter.hasAudience() {
		return Selection{}, refuse("filter", "rows cannot be chosen by an audience").WithHint("export a query of kind audience, with list")
	}
	if s.Time != nil && (s.Time.Grain != "" || s.Time.WeekStart != "") {
		return Selection{}, refuse("time", "rows have no grain").WithHint("leave grain and week_start out")
	}
	return s, nil
}

// BindSelection makes the plan of a Selection, or says with fault.Invalid what does
// not fit.
func BindSelection(s Selection, seen View, named Definitions) (RowsPlan, error) {
	b := newBinder(seen, named)
	rows, _, err := b.source(s.Time, s.Filter)
	if err != nil {
		return RowsPlan{}, err
	}
	if rows.Filter.namesAudience() { // rows are read a file at a time, and an audience is of all rows
		return RowsPlan{}, refuse("filter", "rows cannot be filtered by an audience").WithHint("export a query, or filter by a column")
	}
	names := s.Columns
	if len(names) == 0 {
		names = b.scope.names
	}
	out := RowsPlan{Rows: rows}
	for i, name := range names {
		field, err := b.scope.field("columns["+strconv.Itoa(i)+"]", b.column(name))
		if err != nil {
			return RowsPlan{}, err
		}
		out.Fields = append(out.Fields, Group{Name: name, Field: field})
	}
	out.Definitions = b.uses()
	return out, uniqueNames(out.Columns())
}

// hasAudience reports whether the filter asks for membership somewhere.
func (f Filter) hasAudience() bool {
	return f.Audience != "" || f.Not != nil && f.Not.hasAudience() ||
		slices.ContainsFunc(f.And, Filter.hasAudience) || slices.ContainsFunc(f.Or, Filter.hasAudience)
}
