package sqltable

import (
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// Table is a table of a source.
type Table struct {
	Name    string // as discovery shows it
	SQL     string // as a statement has it
	Columns []Column
	Key     []string // the primary key
}

// Column is a column of a Table.
type Column struct {
	Name     string
	Type     string // as declared: "decimal(10,2)"
	Nullable bool
	Codec
}

// Codec is how the values of a type are read.
type Codec struct {
	Becomes dataset.Type
	Expr    string                         // how to select it, with %s for the column; empty: as it is
	Add     func(*rows.Values, []byte)     // adds a value that is not null
	Literal func(text string) (sql string) // writes a value; nil: rows are in no order of it
	Cursor  *Cursor                        // nil: it cannot be one
}

func (t Table) relation() connector.Relation {
	r := connector.Relation{Table: t.Name, Key: t.Key}
	for _, c := range t.Columns {
		r.Columns = append(r.Columns, connector.Column{Name: c.Name, Type: c.Type, Becomes: c.Becomes, Nullable: c.Nullable})
	}
	return r
}

// find returns columns by name.
func (t Table) find(names ...string) (all []Column, err error) {
	for _, name := range names {
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "unknown_column", "table %.80q has no column %.80q", t.Name, name).WithHint("GET …/tables lists the columns")
		}
		all = append(all, t.Columns[i])
	}
	return all, nil
}

// selected is the expression that reads the column, which a statement calls so.
func (c Column) selected(quoted string) string {
	if c.Expr == "" {
		return quoted
	}
	return fmt.Sprintf(c.Expr, quoted)
}

// builder returns a Builder of the table's columns.
func (t Table) builder() *rows.ValueBuilder {
	names := make([]dataset.Column, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = dataset.Column{Name: c.Name, Type: c.Becomes}
	}
	return rows.NewValueBuilder(names)
}
