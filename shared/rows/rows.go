// Package rows holds rows by column: what the tail gathers, what a segment is
// written from and what the engine reads of the unsealed tail. A Batch only grows:
// a View of its first n rows stays valid and unchanged while rows are appended.
package rows

import "github.com/tarnhq/tarn/shared/dataset"

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
