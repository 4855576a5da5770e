package tail

import "github.com/cespare/xxhash/v2"

// idSet is a set of event ids: open addressing over 64-bit hashes, the texts in one
// slice of bytes. It asks the memory of 8 bytes a slot and keeps no pointer for the
// collector to follow.
type idSet struct {
	slots  []uint32 // 1 + place, 0 for empty; the length is a power of two
	hashes []uint64 // per place
	ends   []uint32 // per place: where the text ends in bytes
	bytes  []byte
}

// add puts id into the set and reports whether it is new.
func (s *idSet) add(id string) bool {
	if 2*len(s.hashes) >= len(s.slots) {
		s.grow()
	}
	h := xxhash.Sum64String(id)
	i := s.find(h, id)
	if s.slots[i] != 0 {
		return false
	}
	s.hashes = append(s.hashes, h)
	s.bytes = append(s.bytes, id...)
	s.ends = append(s.ends, uint32(len(s.bytes)))
	s.slots[i] = uint32(len(s.hashes))
	return true
}

// has reports whether id is in the set.
func (s *idSet) has(id string) bool {
	return len(s.slots) > 0 && s.slots[s.find(xxhash.Sum64String(id), id)] != 0
}

// find returns the slot of id, or the empty slot where it would go.
func (s *idSet) find(h uint64, id string) int {
	mask := len(s.slots) - 1
	i := int(h) & mask
	for s.slots[i] != 0 {
		place := s.slots[i] - 1
		if s.hashes[place] == h && s.text(place) == id {
			return i
		}
		i = (i + 1) & mask
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
	s.slots = make([]uint32, max(64, 2*len(s.slots)))
	mask := len(s.slots) - 1
	for place, h := range s.hashes {
		i := int(h) & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = uint32(place + 1)
	}
}
