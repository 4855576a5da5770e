// #nosec G115 -- halves of a hash are meant, and rows of a tail, which its policy bounds below 2^32

package tail

import "github.com/tarnhq/tarn/shared/segment"

// idSet is the set of the ids of a generation's rows: open addressing over 64-bit
// slots. The texts are the rows' own, and a slot tells most strangers apart without a
// look at them. Most generations meet no id twice and never need theirs.
type idSet struct {
	slots []uint64 // of the hash the upper 32 bits, then 1 + row; 0 for empty; the length is a power of two
	rows  int      // added
}

// has reports whether a row of the generation has the id.
func (g *generation) has(id *segment.ID) bool {
	for ; g.ids.rows < g.rows; g.ids.rows++ {
		row := segment.NewID(string(g.id(g.ids.rows)))
		g.ids.add(row.Hash())
	}
	return g.ids.find(id.Hash(), func(row int) bool { return string(g.id(row)) == id.Text() })
}

// add puts the id of the next row, of that hash, into the set: it must be new.
func (s *idSet) add(hash uint64) {
	if 2*s.rows >= len(s.slots) {
		s.grow()
	}
	s.put(hash&upperHalf | uint64(s.rows+1))
}

// find reports whether a row of that hash is the one.
func (s *idSet) find(hash uint64, is func(row int) bool) bool {
	if s.rows == 0 {
		return false
	}
	mask := len(s.slots) - 1
	for i := int(hash>>32) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if slot := s.slots[i]; (slot^hash)&upperHalf == 0 && is(int(uint32(slot)-1)) {
			return true
		}
	}
	return false
}

const upperHalf uint64 = 0xffffffff_00000000

func (s *idSet) put(slot uint64) {
	mask := len(s.slots) - 1
	i := int(slot>>32) & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = slot
}

func (s *idSet) grow() {
	old := s.slots
	s.slots = make([]uint64, max(64, 2*len(old)))
	for _, slot := range old {
		if slot != 0 {
			s.put(slot)
		}
	}
}
