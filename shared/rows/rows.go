// Package rows holds rows by column: what the tail gathers, what a segment is
// written from and what the engine reads of the unsealed tail. A Batch only grows:
// a View of its first n rows stays valid and unchanged while rows are appended.
//
// The package also knows the one rule of what goes where: Resolve says what an
// event does to the schema, a Builder appends it under that schema, and Merge
// brings batches of older schemas to a newer one.
package rows

import "github.com/tarnhq/tarn/shared/dataset"

// Places of the fixed columns in a Batch of an events dataset: those of
// dataset.Fixed. Property columns follow in the order of the schema.
const (
	EventID = iota
	Event
	Time
	Received
	UserID
	AnonymousID
	SessionID
	Properties
	FirstProperty
)

// Column is one column of a Batch. Of the slices, the one that fits Type is used.
type Column struct {
	dataset.Column
	Null  []bool    // per row; nil while no row is null
	Ints  []int64   // Bool (0 or 1), Int, and Time in UTC microseconds
	Float []float64 // Float
	Ends  []uint32  // Text and JSON: where the row's text ends in Bytes; it begins where the one before ends
	Bytes []byte
}

// Batch is a set of rows.
type Batch struct {
	Columns []Column
	Len     int
}

// Text returns the text of a row of a Text or JSON column.
func (c *Column) Text(row int) []byte {
	begin := uint32(0)
	if row > 0 {
		begin = c.Ends[row-1]
	}
	return c.Bytes[begin:c.Ends[row]]
}

// IsNull reports whether a row of the column is null.
func (c *Column) IsNull(row int) bool { return c.Null != nil && c.Null[row] }

// View returns the first n rows. It shares memory with b, which may be appended to
// meanwhile: no byte of a view changes.
func (b Batch) View(n int) Batch {
	view := Batch{Columns: make([]Column, len(b.Columns)), Len: n}
	for i := range b.Columns {
		view.Columns[i] = b.Columns[i].view(n)
	}
	return view
}

// Size returns the bytes of memory that the rows take.
func (b Batch) Size() int64 {
	size := int64(0)
	for i := range b.Columns {
		c := &b.Columns[i]
		size += int64(len(c.Null) + 8*len(c.Ints) + 8*len(c.Float) + 4*len(c.Ends) + len(c.Bytes))
	}
	return size
}

func (c *Column) view(n int) Column {
	view := Column{Column: c.Column}
	if c.Null != nil {
		view.Null = c.Null[:n:n]
	}
	switch c.Type {
	case dataset.Float:
		view.Float = c.Float[:n:n]
	case dataset.Text, dataset.JSON:
		view.Ends = c.Ends[:n:n]
		end := uint32(0)
		if n > 0 {
			end = c.Ends[n-1]
		}
		view.Bytes = c.Bytes[:end:end]
	default:
		view.Ints = c.Ints[:n:n]
	}
	return view
}
