package segment

import (
	"context"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// Index answers whether an event id is in a segment.
type Index struct {
	cache *Cache
	ref   Ref
	file  *columnfile.File
}

// Index opens the index of a segment: one range read, unless the cache has kept it.
func (c *Cache) Index(ctx context.Context, ref Ref) (*Index, error) {
	f, err := c.file(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &Index{cache: c, ref: ref, file: f}, nil
}

// MayContain reports whether the id may be in the segment. It errs for about one id
// in a hundred of those that are not, a row group, and for none that is.
func (x *Index) MayContain(id *ID) bool {
	hash, ok := id.hash(x.ref.UUID)
	if !ok {
		return false
	}
	for group := range x.file.Groups() {
		if x.file.MayContain(group, hash) {
			return true
		}
	}
	return false
}

// Contains reports whether the id is in the segment. It reads the ids of a row group
// only where the filter says that the id may be there, and keeps what it learns for
// the next.
func (x *Index) Contains(ctx context.Context, id *ID) (bool, error) {
	hash, ok := id.hash(x.ref.UUID)
	for group := range x.file.Groups() {
		if !ok || !x.file.MayContain(group, hash) {
			continue
		}
		if found, err := x.has(ctx, group, id, hash); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// has asks what the cache has kept of a row group's ids. All of them are kept only
// once one of them came again: most that pass the filter are new.
func (x *Index) has(ctx context.Context, group int, id *ID, hash uint64) (bool, error) {
	whole := cacheKey{x.ref.Key, group}
	if kept, ok := x.cache.kept.Get(whole); ok {
		return kept.(*columnfile.Set).Has(id.value(x.ref.UUID)), nil
	}
	short := cacheKey{x.ref.Key, marksOf(group)}
	known, ok := x.cache.kept.Get(short)
	if ok && !known.(marks).mayHave(hash) {
		return false, nil
	}
	column, err := x.read(ctx, group, dataset.ColumnEventID, x.ref.idForm())
	if err != nil {
		return false, err
	}
	if !ok {
		m := newMarks(x.ref, column)
		x.cache.kept.Put(short, m, m.memory())
		if !m.mayHave(hash) {
			return false, nil
		}
	}
	set := columnfile.NewSet(x.ref.idForm(), column)
	x.cache.kept.Put(whole, set, set.Memory())
	return set.Has(id.value(x.ref.UUID)), nil
}

func (x *Index) read(ctx context.Context, group int, name string, form columnfile.Form) (*rows.Column, error) {
	var column rows.Column
	err := x.cache.column(ctx, x.ref, x.file, group, name, form, &column)
	return &column, err
}

// Found is what a segment knows of an event.
type Found struct {
	Time     int64 // event time, UTC microseconds
	Received int64 // arrival time, UTC microseconds
}

// Find looks an event up by its id in a segment of rows or of duplicates, of which
// it returns every one.
func (x *Index) Find(ctx context.Context, id *ID) ([]Found, error) {
	var all []Found
	hash, ok := id.hash(x.ref.UUID)
	for group := range x.file.Groups() {
		if !ok || !x.file.MayContain(group, hash) {
			continue
		}
		found, err := x.find(ctx, group, id.text)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (x *Index) find(ctx context.Context, group int, id string) ([]Found, error) {
	ids, err := x.read(ctx, group, dataset.ColumnEventID, x.ref.idForm())
	if err != nil {
		return nil, err
	}
	var matches []int
	for row := range ids.Ends {
		if string(ids.Text(row)) == id {
			matches = append(matches, row)
		}
	}
	if len(matches) == 0 {
		return nil, nil
	}
	times, err := x.read(ctx, group, dataset.ColumnTime, columnfile.Time)
	if err != nil {
		return nil, err
	}
	received, err := x.read(ctx, group, dataset.ColumnReceived, columnfile.Time)
	if err != nil {
		return nil, err
	}
	all := make([]Found, len(matches))
	for i, row := range matches {
		all[i] = Found{Time: times.Ints[row], Received: received.Ints[row]}
	}
	return all, nil
}
