package tail

import "github.com/tarnhq/tarn/shared/segment"

// idSet is the set of the ids of a generation's rows: open addressing over 64-bit
// slots. The texts are the rows' own, and a slot tells most strangers apart without a
// look at them.
type idSet struct {
	slots []uint64                // of the hash the upper 32 bits, then 1 + row; 0 for empty; the length is a power of two
	rows  int                     // added
	text  func(row uint32) []byte // the id of a row
}

// add puts the id of the next row, of that hash, into the set: it must be new.
func (s *idSet) add(hash uint64) {
	if 2*s.rows >= len(s.slots) {
		s.grow()
	}
	s.rows++
	s.put(hash&upperHalf | uint64(s.rows))
}

// has reports whether id, of that hash, is in the set.
func (s *idSet) has(hash uint64, id string) bool {
	if s.rows == 0 {
		return false
	}
	mask := len(s.slots) - 1
	for i := int(hash>>32) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if slot := s.slots[i]; (slot^hash)&upperHalf == 0 && string(s.text(uint32(slot)-1)) == id {
			return true
		}
	}
	return false
}

// near reads the slots where ids are or would go, all at once: the lookups that follow
// do not wait for memory one after the other. What it returns means nothing.
func (s *idSet) near(ids []segment.ID) (read uint64) {
	if len(s.slots) == 0 {
		return 0
	}
	mask := len(s.slots) - 1
	for i := range ids {
		read ^= s.slots[int(ids[i].Hash()>>32)&mask]
	}
	return read
}

// reserve makes room in an empty set for as many ids as another one holds.
func (s *idSet) reserve(like *idSet) { s.slots = make([]uint64, len(like.slots)) }

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
