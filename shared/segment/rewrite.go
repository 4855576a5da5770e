package segment

import (
	"context"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Rewrite stores those rows of a segment that stay, in the way that the segment was
// stored in. The batch is what ReadRows returned of it.
func Rewrite(ctx context.Context, store blob.Store, origin Origin, was Ref, schema dataset.Schema, batch rows.Batch, stay []int32) (Ref, error) {
	switch {
	case was.Table:
		return WriteTable(ctx, store, origin, batch, stay)
	case !was.Merged:
		return Write(ctx, store, origin, batch, stay)
	}
	batch, err := rows.Merge([]rows.Batch{batch}, schema)
	if err != nil {
		return Ref{}, err
	}
	return WriteMerged(ctx, store, origin, batch, stay)
}
