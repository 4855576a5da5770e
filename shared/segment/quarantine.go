// #nosec G115 -- a producer's number keeps its bits, both ways; texts of a segment are below 2 GB

package segment

import (
	"context"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// rawColumn is that of an event's text.
const rawColumn = "raw"

// enrichmentColumn is there where a text of the segment is enriched.
const enrichmentColumn = "enrichment"

// quarantine holds the columns of a quarantine segment.
type quarantine struct {
	id, received, code, reason, raw, producer, enrichment rows.Column

	enriched bool // it has the last one
}

func (q *quarantine) columns(idForm columnfile.Form) []columnfile.Column {
	all := []columnfile.Column{
		{Name: dataset.ColumnEventID, Form: idForm, Bloom: true, Values: &q.id},
		{Name: dataset.ColumnReceived, Form: columnfile.Time, Values: &q.received},
		{Name: "code", Form: columnfile.Text, Values: &q.code},
		{Name: "reason", Form: columnfile.Text, Values: &q.reason},
		{Name: rawColumn, Form: columnfile.Bytes, Values: &q.raw},
		{Name: "producer", Form: columnfile.Int, Values: &q.producer},
	}
	if q.enriched {
		all = append(all, columnfile.Column{Name: enrichmentColumn, Form: columnfile.Int, Values: &q.enrichment})
	}
	return all
}

// WriteQuarantine stores events that cannot be stored as rows.
func WriteQuarantine(ctx context.Context, store blob.Store, origin Origin, all []QuarantineRow) (Ref, error) {
	var q quarantine
	for _, row := range all {
		appendText(&q.id, row.EventID)
		appendText(&q.code, row.Code)
		appendText(&q.reason, row.Reason)
		appendText(&q.raw, row.Raw)
		q.received.Ints = append(q.received.Ints, row.Received)
		q.producer.Ints = append(q.producer.Ints, int64(row.Producer))
		q.enrichment.Ints = append(q.enrichment.Ints, int64(row.Enrichment))
		q.enriched = q.enriched || row.Enrichment != 0
	}
	return write(ctx, store, origin, Quarantine, len(all), &q.id, q.columns)
}

// Replayer is the producer as which the events of a quarantine segment are sent again:
// the same however often that is begun.
func (r Ref) Replayer() events.Producer { return events.Producer(xxhash.Sum64String(r.Key) | 1) }

// ReadQuarantine reads a quarantine segment, in the order it was written in.
func (c *Cache) ReadQuarantine(ctx context.Context, ref Ref) ([]QuarantineRow, error) {
	f, err := c.file(ctx, ref)
	if err != nil {
		return nil, err
	}
	q := quarantine{enriched: slices.Contains(f.Columns(), enrichmentColumn)}
	if err := c.table(ctx, ref, q.columns(ref.idForm())); err != nil {
		return nil, err
	}
	all := make([]QuarantineRow, len(q.received.Ints))
	for i := range all {
		all[i] = QuarantineRow{
			EventID: string(q.id.Text(i)), Received: q.received.Ints[i],
			Code: string(q.code.Text(i)), Reason: string(q.reason.Text(i)), Raw: q.raw.Text(i),
			Producer: uint64(q.producer.Ints[i]),
		}
		if q.enriched {
			all[i].Enrichment = uint32(q.enrichment.Ints[i])
		}
	}
	return all, nil
}

// write encodes and stores n rows of columns that are not a dataset's.
func write(ctx context.Context, store blob.Store, origin Origin, kind Kind, n int, ids *rows.Column, columns func(columnfile.Form) []columnfile.Column) (Ref, error) {
	order := orderOf(rows.Batch{Len: n}, nil)
	ref := Ref{Kind: kind, UUID: allUUIDs(ids, order)}
	body, err := ref.seal(origin, columns(ref.idForm()), order)
	if err != nil {
		return Ref{}, err
	}
	return ref, put(ctx, store, ref.Key, body)
}

func appendText[T string | []byte](c *rows.Column, text T) {
	c.Bytes = append(c.Bytes, text...)
	c.Ends = append(c.Ends, uint32(len(c.Bytes)))
}
