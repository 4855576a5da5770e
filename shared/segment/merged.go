package segment

import (
	"context"
	"math"
	"slices"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Types of columns that no property has.
const (
	typeUUID dataset.Type = "uuid"
	typeDay  dataset.Type = "day"
)

// fieldTypes are the types that a column may have in files, in the order of their
// field ids. It only grows, to widthOfPlace at most.
var fieldTypes = []dataset.Type{dataset.Bool, dataset.Int, dataset.Float, dataset.Text, dataset.Time, dataset.JSON, typeUUID, typeDay}

const widthOfPlace = 16

// FieldID numbers what a merged segment holds of a column: of the fixed one or the
// property at that place of all, of that type. A schema only grows at its end, so a
// number means the same in every file of a dataset, and a column that was widened
// has another: readers that go by numbers never take one type for the other.
func FieldID(place int, t dataset.Type) int32 {
	return int32(1 + place*widthOfPlace + slices.Index(fieldTypes, t)) // #nosec G115 -- a few types for each place of a column
}

// The field ids of the day, and of event ids that are UUIDs.
var (
	FieldDay  = FieldID(rows.EventID, typeDay)
	FieldUUID = FieldID(rows.EventID, typeUUID)
)

// WriteMerged stores rows as Write does, with the field ids of FieldID: the batch
// must have all columns of the dataset's schema, in its order.
func WriteMerged(ctx context.Context, store blob.Store, origin Origin, batch rows.Batch, order []int32) (Ref, error) {
	ref, body, err := encode(origin, batch, orderOf(batch, order), FieldID)
	if err != nil {
		return Ref{}, err
	}
	ref.Merged = true
	return ref, put(ctx, store, ref.Key, body)
}

// Inherit says that segments hold no ids but those of others, so that what Learn was
// told of all the others holds of them.
func (c *Cache) Inherit(refs, others []Ref) {
	era := Era(math.MaxInt64)
	for _, other := range others {
		era = min(era, c.learned.of(other.Key))
	}
	for _, ref := range refs {
		c.Learn(ref, era)
	}
}

// ReadDuplicates reads a segment of duplicates or of marks, in the order it was written
// in.
func (c *Cache) ReadDuplicates(ctx context.Context, ref Ref) ([]DuplicateRow, error) {
	var d duplicates
	if err := c.table(ctx, ref, d.columns(ref.idForm())); err != nil {
		return nil, err
	}
	all := make([]DuplicateRow, len(d.time.Ints))
	for i := range all {
		all[i] = DuplicateRow{EventID: string(d.id.Text(i)), Time: d.time.Ints[i], Received: d.received.Ints[i]}
	}
	return all, nil
}
