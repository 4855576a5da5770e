package segment

import "slices"

// marks are 32 bits of the hash of each id of a row group, ascending. The Bloom filter
// is wrong about one id in a hundred, and with many segments nearly every new id meets
// a filter that is; marks are wrong about one in ten thousand of those, and take a
// tenth of the memory that the ids themselves do.
type marks []uint32

func newMarks(hashes []uint64) marks {
	m := make(marks, len(hashes))
	for i, h := range hashes {
		m[i] = uint32(h)
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
