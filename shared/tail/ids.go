package tail

import (
	"slices"

	"github.com/cespare/xxhash/v2"
)

// idSet is a set of event ids: open addressing over 64-bit slots, the texts in one
// slice of bytes. It keeps no pointer for the collector to follow, and a slot tells
// most strangers apart without a look elsewhere.
type idSet struct {
	slots []uint64 // of the hash the upper 32 bits, then 1 + place; 0 for empty; the length is a power of two
	ends  []uint32 // per place: where the text ends in bytes
	bytes []byte
}

// hashOf returns the hash that the set knows an id by.
func hashOf(id string) uint64 { return xxhash.Sum64String(id) }

// add puts id, of that hash, into the set and reports whether it is new.
func (s *idSet) add(hash uint64, id string) bool {
	if 2*len(s.ends) >= len(s.slots) {
		s.grow()
	}
	i := s.find(hash, id)
	if s.slots[i] != 0 {
		return false
	}
	s.bytes = append(roomFor(s.bytes, len(id)), id...)
	s.ends = append(roomFor(s.ends, 1), uint32(len(s.bytes)))
	s.slots[i] = hash&upperHalf | uint64(len(s.ends))
	return true
}

// has reports whether id, of that hash, is in the set.
func (s *idSet) has(hash uint64, id string) bool {
	return len(s.slots) > 0 && s.slots[s.find(hash, id)] != 0
}

// near reads the slots where ids of these hashes are or would go, all at once: the
// lookups that follow do not wait for memory one after the other. What it returns
// means nothing.
func (s *idSet) near(hashes []uint64) (read uint64) {
	if len(s.slots) == 0 {
		return 0
	}
	mask := len(s.slots) - 1
	for _, h := range hashes {
		read ^= s.slots[int(h>>32)&mask]
	}
	return read
}

// reserve makes room in an empty set for as many ids as another one holds.
func (s *idSet) reserve(like *idSet) {
	s.slots = make([]uint64, len(like.slots))
	s.ends = make([]uint32, 0, len(like.ends))
	s.bytes = make([]byte, 0, len(like.bytes))
}

const upperHalf uint64 = 0xffffffff_00000000

// find returns the slot of id, or the empty slot where it would go.
func (s *idSet) find(hash uint64, id string) int {
	mask := len(s.slots) - 1
	i := int(hash>>32) & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if slot := s.slots[i]; (slot^hash)&upperHalf == 0 && s.text(uint32(slot)-1) == id {
			return i
		}
	}
	return i
}

func (s *idSet) text(place uint32) string {
	begin := uint32(0)
	if place > 0 {
		begin = s.ends[place-1]
	}
	return string(s.bytes[begin:s.ends[place]]) // compared at once: the compiler makes no copy
}

func (s *idSet) grow() {
	old := s.slots
	s.slots = make([]uint64, max(64, 2*len(old)))
	mask := len(s.slots) - 1
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := int(slot>>32) & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = slot
	}
}

// roomFor returns s with room for n more. The capacity doubles, because append's own
// growth of large slices by a quarter copies each byte four times.
func roomFor[T any](s []T, n int) []T {
	if cap(s)-len(s) < n {
		return slices.Grow(s, max(n, len(s)))
	}
	return s
}
