package compact

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// ownFiles is how many days one merge parts mixed segments into; the rest share one.
const ownFiles = 29

// merge writes what replaces a job's segments.
func (c Compactor) merge(ctx context.Context, origin segment.Origin, schema dataset.Schema, j job) ([]segment.Ref, error) {
	if j.kind != segment.Rows {
		return c.mergeShort(ctx, origin, j)
	}
	together := rows.Merge
	if j.table {
		together = rows.MergeTable
	}
	batch, err := c.read(ctx, j.refs, func(parts []rows.Batch) (rows.Batch, error) { return together(parts, schema) })
	if err != nil {
		return nil, err
	}
	if j.table {
		ref, err := segment.WriteTable(ctx, c.Manifest.Blobs, origin, batch, nil)
		return []segment.Ref{ref}, err
	}
	var refs []segment.Ref
	for _, selection := range c.Policy.selections(batch, j.mixed) {
		sortRows(batch, selection)
		ref, err := segment.WriteMerged(ctx, c.Manifest.Blobs, origin, batch, selection)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// read returns the rows of segments together.
func (c Compactor) read(ctx context.Context, refs []segment.Ref, together func([]rows.Batch) (rows.Batch, error)) (rows.Batch, error) {
	from := c.reader()
	parts := make([]rows.Batch, len(refs))
	for i, ref := range refs {
		var err error
		if parts[i], err = from.ReadRows(ctx, ref); err != nil {
			return rows.Batch{}, err
		}
	}
	return together(parts)
}

// reader returns what segments are read with. It keeps next to nothing: what a merge
// has read is about to go.
func (c Compactor) reader() *segment.Cache {
	return segment.NewCache(&whole{Store: c.Manifest.Blobs}, 0)
}

// selections parts rows into those of one segment each. Of mixed segments, the days
// with most rows get one of their own.
func (p Policy) selections(batch rows.Batch, mixed bool) [][]int32 {
	if !mixed {
		return segment.Split(batch, 0, 1)
	}
	return segment.Split(batch, p.Own, ownFiles)
}

// sortRows orders a selection by subject, then time: what is asked of one user lies
// together, and equal texts in a row take no room.
func sortRows(batch rows.Batch, selection []int32) {
	times := batch.Columns[rows.Time].Ints
	slices.SortStableFunc(selection, func(a, b int32) int {
		return cmp.Or(bytes.Compare(subject(batch, a), subject(batch, b)), cmp.Compare(times[a], times[b]))
	})
}

// subject is who a row is about: a user, else somebody anonymous, else nobody.
func subject(batch rows.Batch, row int32) []byte {
	for _, column := range []int{rows.UserID, rows.AnonymousID} {
		if c := &batch.Columns[column]; !c.IsNull(int(row)) {
			return c.Text(int(row))
		}
	}
	return nil
}

// mergeShort merges duplicates, or marks of a kind.
func (c Compactor) mergeShort(ctx context.Context, origin segment.Origin, j job) ([]segment.Ref, error) {
	from := c.reader()
	var all []segment.DuplicateRow
	for _, ref := range j.refs {
		part, err := from.ReadDuplicates(ctx, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	ref, err := segment.WriteShort(ctx, c.Manifest.Blobs, origin, j.kind, all)
	return []segment.Ref{ref}, err
}
