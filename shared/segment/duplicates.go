package segment

import (
	"context"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// duplicates holds the columns of a segment of duplicates.
type duplicates struct{ id, time, received rows.Column }

func (d *duplicates) columns(idForm columnfile.Form) []columnfile.Column {
	return []columnfile.Column{
		{Name: dataset.ColumnEventID, Form: idForm, Bloom: true, Values: &d.id},
		{Name: dataset.ColumnTime, Form: columnfile.Time, Values: &d.time},
		{Name: dataset.ColumnReceived, Form: columnfile.Time, Values: &d.received},
	}
}

// WriteDuplicates stores what is kept of copies. Index.Find finds them again.
func WriteDuplicates(ctx context.Context, store blob.Store, origin Origin, all []DuplicateRow) (Ref, error) {
	return WriteShort(ctx, store, origin, Duplicates, all)
}

// Mark is what is kept of an event that is no more: hash stands for its id.
func Mark(hash string, time, received int64) DuplicateRow {
	const day, hour = 24 * 60 * 60 * 1_000_000, 60 * 60 * 1_000_000
	return DuplicateRow{EventID: hash, Time: int64(DayOf(time)) * day, Received: received - received%hour}
}

// WriteShort stores duplicates, or marks of a kind. Index.Find finds them again.
func WriteShort(ctx context.Context, store blob.Store, origin Origin, kind Kind, all []DuplicateRow) (Ref, error) {
	var d duplicates
	for _, row := range all {
		appendText(&d.id, row.EventID)
		d.time.Ints = append(d.time.Ints, row.Time)
		d.received.Ints = append(d.received.Ints, row.Received)
	}
	return write(ctx, store, origin, kind, len(all), &d.id, d.columns)
}
