package segment

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// ReadRows reads a whole segment of rows: the fixed columns, unless it is a table's,
// then those of ref.
func (c *Cache) ReadRows(ctx context.Context, ref Ref) (rows.Batch, error) {
	fixed := dataset.Fixed
	if ref.Table {
		fixed = nil
	}
	all := slices.Concat(fixed, ref.Columns)
	batch := rows.Batch{Columns: make([]rows.Column, len(all)), Len: int(ref.Rows)}
	want := make([]columnfile.Column, len(all))
	for i, c := range all {
		batch.Columns[i].Column = c
		want[i] = columnfile.Column{Name: c.Name, Form: forms[c.Type], Values: &batch.Columns[i]}
		if i >= len(fixed) {
			want[i].Name = PhysicalName(c.Name)
		}
	}
	if !ref.Table {
		want[rows.EventID].Form = ref.idForm()
	}
	if err := c.table(ctx, ref, want); err != nil {
		return rows.Batch{}, err
	}
	return batch, nil
}
