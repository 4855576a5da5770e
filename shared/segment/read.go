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
	return c.rows(ctx, ref, len(fixed), slices.Concat(fixed, ref.Columns))
}

// ReadColumns reads those columns of a table's segment that it has, in the order of ref.
func (c *Cache) ReadColumns(ctx context.Context, ref Ref, names []string) (rows.Batch, error) {
	var some []dataset.Column
	for _, column := range ref.Columns {
		if slices.Contains(names, column.Name) {
			some = append(some, column)
		}
	}
	return c.rows(ctx, ref, 0, some)
}

// rows reads columns, the first of which are fixed ones.
func (c *Cache) rows(ctx context.Context, ref Ref, fixed int, all []dataset.Column) (rows.Batch, error) {
	batch := rows.Batch{Columns: make([]rows.Column, len(all)), Len: int(ref.Rows)}
	want := make([]columnfile.Column, len(all))
	for i, c := range all {
		batch.Columns[i].Column = c
		want[i] = columnfile.Column{Name: c.Name, Form: forms[c.Type], Values: &batch.Columns[i]}
		if i >= fixed {
			want[i].Name = PhysicalName(c.Name)
		}
	}
	if fixed > 0 {
		want[rows.EventID].Form = ref.idForm()
	}
	return batch, c.table(ctx, ref, want)
}
