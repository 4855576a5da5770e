package segment

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// ReadRows reads a whole segment of rows: the fixed columns, then those of ref.
func (c *Cache) ReadRows(ctx context.Context, ref Ref) (rows.Batch, error) {
	all := slices.Concat(dataset.Fixed, ref.Columns)
	batch := rows.Batch{Columns: make([]rows.Column, len(all)), Len: int(ref.Rows)}
	want := make([]columnfile.Column, len(all))
	for i, c := range all {
		batch.Columns[i].Column = c
		want[i] = columnfile.Column{Name: c.Name, Form: forms[c.Type], Values: &batch.Columns[i]}
		if i >= rows.FirstProperty {
			want[i].Name = PhysicalName(c.Name)
		}
	}
	want[rows.EventID].Form = ref.idForm()
	if err := c.table(ctx, ref, want); err != nil {
		return rows.Batch{}, err
	}
	return batch, nil
}
