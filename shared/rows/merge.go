package rows

import (
	"math"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Merge returns the rows of parts of an events dataset, in order, under a schema that all
// of their schemas widen to. Values are converted as if they had been appended under it,
// but that a number which a text column took is text for good.
func Merge(parts []Batch, schema dataset.Schema) (Batch, error) {
	return merge(parts, newColumns(schema))
}

// MergeTable is Merge for parts of a table, whose columns are those of its schema alone,
// whatever their names.
func MergeTable(parts []Batch, schema dataset.Schema) (Batch, error) {
	columns := make([]Column, len(schema.Columns))
	for i, c := range schema.Columns {
		columns[i].Column = c
	}
	return merge(parts, columns)
}

func merge(parts []Batch, columns []Column) (Batch, error) {
	merged := Batch{Columns: columns}
	if len(parts) == 1 && parts[0].sameColumns(merged) {
		return parts[0], nil
	}
	for _, part := range parts {
		for i := range merged.Columns {
			if err := merged.Columns[i].merge(merged.Len, part); err != nil {
				return Batch{}, err
			}
		}
		merged.Len += part.Len
	}
	for i := range merged.Columns {
		merged.Columns[i].finish(merged.Len)
	}
	return merged, nil
}

// merge appends the rows that a part has of the column to the begin rows before.
func (c *Column) merge(begin int, part Batch) error {
	from := part.find(c.Name)
	switch {
	case from == nil:
		return nil
	case uint64(len(c.Bytes))+uint64(len(from.Bytes)) > math.MaxUint32:
		return fault.New(fault.TooLarge, "batch_too_large", "column %q would hold more than 4 GiB of text", c.Name)
	case from.Type == c.Type:
		c.concat(begin, from, part.Len)
		return nil
	}
	for row := range part.Len {
		if from.IsNull(row) {
			continue
		}
		if v := from.Value(row); !c.put(begin+row, &v) {
			return fault.New(fault.Internal, "not_widened", "a %s of column %q is no %s", from.Type, c.Name, c.Type)
		}
	}
	return nil
}

// concat appends n rows of a column of the same type.
func (c *Column) concat(begin int, from *Column, n int) {
	c.pad(begin)
	if from.Null != nil {
		c.Null = append(grow(c.Null, begin), from.Null[:n]...)
	}
	switch c.Type {
	case dataset.Float:
		c.Float = append(c.Float, from.Float[:n]...)
	case dataset.Text, dataset.JSON:
		base := uint32(len(c.Bytes)) // #nosec G115 -- bytes of a column, bounded far below 4 GB
		c.Bytes = append(c.Bytes, from.Bytes...)
		for _, end := range from.Ends[:n] {
			c.Ends = append(c.Ends, base+end)
		}
	default:
		c.Ints = append(c.Ints, from.Ints[:n]...)
	}
}

func (b Batch) sameColumns(c Batch) bool {
	return slices.EqualFunc(b.Columns, c.Columns, func(x, y Column) bool { return x.Column == y.Column })
}

func (b Batch) find(name string) *Column {
	for i := range b.Columns {
		if b.Columns[i].Name == name {
			return &b.Columns[i]
		}
	}
	return nil
}
