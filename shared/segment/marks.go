// #nosec G115 -- the lower half of a hash is meant

package segment

import (
	"slices"

	"github.com/tarnhq/tarn/shared/rows"
)

// marks are 32 bits of the hash of each id of a row group, ascending. The Bloom filter
// is wrong about one id in a hundred, and with many segments nearly every new id meets
// a filter that is; marks are wrong about one in ten thousand of those, and take a
// tenth of the memory that the ids themselves do.
type marks []uint32

// newMarks makes the marks of a row group's ids.
func newMarks(ref Ref, ids *rows.Column) marks {
	m := make(marks, len(ids.Ends))
	for row := range m {
		m[row] = uint32(hashOf(ids.Text(row), ref.UUID))
	}
	slices.Sort(m)
	return m
}

// mayHave reports whether one of the ids may have that hash.
func (m marks) mayHave(hash uint64) bool {
	_, found := slices.BinarySearch(m, uint32(hash))
	return found
}

func (m marks) memory() int64 { return int64(4 * cap(m)) }
