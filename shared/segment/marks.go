package segment

import (
	"slices"

	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// marks are 32 bits of the hash of each id of a row group, ascending. The Bloom filter
// is wrong about one id in a hundred, and with many segments nearly every new id meets
// a filter that is; marks are wrong about one in ten thousand of those, and take a
// tenth of the memory that the ids themselves do.
type marks []uint32

// newMarks makes the marks of some rows of a segment's ids, or of all for nil.
func newMarks(ref Ref, ids *rows.Column, some []int32) marks {
	n := len(some)
	if some == nil {
		n = len(ids.Ends)
	}
	m := make(marks, n)
	for i := range m {
		row := i
		if some != nil {
			row = int(some[i])
		}
		m[i] = uint32(hashOf(ids.Text(row), ref.UUID))
	}
	slices.Sort(m)
	return m
}

// Learn keeps the marks of the ids of a segment that was just written from these rows
// in this order, so that they need not be read back.
func (c *Cache) Learn(ref Ref, batch rows.Batch, order []int32) {
	rest := orderOf(batch, order)
	for group := 0; len(rest) > 0; group++ {
		its := rest[:min(len(rest), columnfile.GroupRows)]
		rest = rest[len(its):]
		m := newMarks(ref, &batch.Columns[rows.EventID], its)
		c.kept.put(cacheKey{ref.Key, marksOf(group)}, m, m.memory())
	}
}

// mayHave reports whether one of the ids may have that hash.
func (m marks) mayHave(hash uint64) bool {
	_, found := slices.BinarySearch(m, uint32(hash))
	return found
}

func (m marks) memory() int64 { return int64(4 * cap(m)) }
