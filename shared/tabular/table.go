package tabular

import (
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// table gathers the rows of a part. Its columns and their types last from part to part.
type table struct {
	syntax  syntax
	fixed   map[string]dataset.Column
	columns []*column
	names   map[string]*column

	limits limits
	rows   int
	lines  []int64
	bad    []Bad
	kept   int64 // bytes of bad records
}

func newTable(o Options, declared []dataset.Column) *table {
	return &table{syntax: newSyntax(o), fixed: o.types(declared), names: map[string]*column{}}
}

// begin begins a part.
func (t *table) begin(l limits) { t.limits = l }

// full reports whether the part has reached a limit.
func (t *table) full() bool {
	return t.crowded() || t.size() >= t.limits.bytes
}

// crowded reports whether the part has all the rows that it may have.
func (t *table) crowded() bool { return t.rows >= t.limits.rows || len(t.bad) >= t.limits.rows }

func (t *table) size() int64 {
	size := t.kept + int64(8*len(t.lines))
	for _, c := range t.columns {
		size += int64(len(c.Null) + 8*len(c.Ints) + 8*len(c.Float) + 4*len(c.Ends) + len(c.Bytes))
	}
	return size
}

// take ends a part. Columns that have had no value so far are no part of it, because a
// later value says what they are; of the last part they are, as text.
func (t *table) take(last bool) Part {
	part := Part{Rows: rows.Batch{Len: t.rows}, Lines: t.lines, Bad: t.bad}
	for _, c := range t.columns {
		if c.Type == "" && last {
			c.become(dataset.Column{Type: dataset.Text}, t.rows)
		}
		if c.Type != "" {
			part.Rows.Columns = append(part.Rows.Columns, c.take(t.rows))
		}
	}
	t.rows, t.lines, t.bad, t.kept = 0, nil, nil, 0
	return part
}

func (t *table) schema() []dataset.Column {
	all := make([]dataset.Column, len(t.columns))
	for i, c := range t.columns {
		all[i] = c.Column.Column
		if c.Type == "" {
			all[i].Type = dataset.Text
		}
	}
	return all
}

// column returns the column of a name, which it adds if need be.
func (t *table) column(name string) (*column, error) {
	if c, ok := t.names[name]; ok {
		return c, nil
	}
	if len(t.columns) == dataset.MaxColumns {
		return nil, tooManyColumns()
	}
	c := &column{}
	c.Name = name
	if given, ok := t.fixed[name]; ok {
		c.Column.Column, c.fixed = given, true
	} else if err := (dataset.Column{Name: name, Type: dataset.Text}).Check(dataset.Table); err != nil {
		return nil, err
	}
	t.columns, t.names[name] = append(t.columns, c), c
	return c, nil
}

func tooManyColumns() error {
	return fault.New(fault.Invalid, "too_many_columns", "the file has more than %d columns", dataset.MaxColumns).
		WithHint("leave out columns, or gather some into one of JSON")
}

// reject keeps a record that is no row.
func (t *table) reject(b Bad) {
	b.Raw = slices.Clone(b.Raw)
	t.bad = append(t.bad, b)
	t.kept += int64(len(b.Raw)) + 128
}

// place is a value of a record and where it goes. A column that there was no value of so
// far is made only for a record that is a row.
type place struct {
	name   string
	column *column // nil: not made yet
	cell   cell
}

// place returns where a value of a name goes.
func (t *table) place(name []byte, v cell) (place, error) {
	if c, ok := t.names[string(name)]; ok {
		return place{column: c, cell: v}, nil
	}
	if _, ok := t.fixed[string(name)]; ok {
		c, err := t.column(string(name))
		return place{column: c, cell: v}, err
	}
	return place{name: string(name), cell: v}, nil
}

// misfit says that a value is not of the type that its column is given.
func misfit(line int64, c dataset.Column, raw []byte) Bad {
	return Bad{Line: line, Column: c.Name, Code: "wrong_type", Reason: "the value is no " + string(c.Type) + ", which the column holds", Raw: raw}
}

// add appends a record, or rejects it where a value does not fit the type given. raw
// returns the record as it stood.
func (t *table) add(line int64, record []place, raw func() []byte) error {
	for i := range record {
		p := &record[i]
		if p.cell.kind == "" || p.column == nil || !p.column.fixed || p.column.Type == p.cell.kind {
			continue
		}
		fit, ok := t.fit(&p.cell, p.column.Type)
		if !ok {
			t.reject(misfit(line, p.column.Column.Column, raw()))
			return nil
		}
		p.cell = fit
	}
	for i := range record {
		p := &record[i]
		if p.column == nil {
			var err error
			if p.column, err = t.column(p.name); err != nil {
				return err
			}
		}
		if p.cell.kind != "" {
			t.put(p.column, &p.cell)
		}
	}
	t.lines = append(t.lines, line)
	t.rows++
	return nil
}

// fit returns a cell as a type that is given. Texts are read as those of CSV are.
func (t *table) fit(v *cell, to dataset.Type) (cell, bool) {
	if v.kind == dataset.Text && to != dataset.JSON {
		return t.syntax.read(v.text, to)
	}
	return v.as(to)
}

// put makes a cell that is not null the value of the next row, and widens the column for
// it if need be. A text that is a time is one, unless the column has held other texts.
func (t *table) put(c *column, v *cell) {
	if v.kind == dataset.Text && (c.Type == "" || c.Type == dataset.Time) {
		if micros, ok := parseTime(v.text, t.syntax.order); ok {
			v = &cell{kind: dataset.Time, int: micros}
		}
	}
	if c.Type == "" {
		c.become(v.column(), t.rows)
	}
	c.pad(t.rows)
	fit, ok := v.as(c.Type)
	if !ok {
		c.become(v.column(), t.rows)
		c.pad(t.rows)
		fit, _ = v.as(c.Type) // what Widen returns holds it
	}
	c.append(&fit)
}

// append appends a cell of the column's own type.
func (c *column) append(v *cell) {
	switch c.Type {
	case dataset.Float:
		c.Float = append(c.Float, v.float)
	case dataset.Text, dataset.JSON:
		c.Bytes = append(c.Bytes, v.text...)
		c.Ends = append(c.Ends, uint32(len(c.Bytes))) // #nosec G115 -- limits keep it far below 4 GB
	default:
		c.Ints = append(c.Ints, v.int)
		c.Wide = c.Wide || !c.fixed && v.wide()
	}
}
