package segment

// hashSet is a set of 64-bit hashes that may take a stranger for a member: of each
// hash it keeps 44 bits, 12 of them as the number of a part and 32 in the part's
// open-addressing table. With n members it errs once in 2^44/n, and it takes 4 to 8
// bytes for each. The parts grow one by one, so that no addition waits for a whole
// table to be moved.
type hashSet struct {
	parts  [1 << partBits]hashPart
	memory int64 // bytes of all tables
}

const partBits = 12

type hashPart struct {
	tags []uint32 // 0 for empty; the length is a power of two
	used int
}

// split returns the part of a hash and what the part keeps of it, which is not 0.
func (s *hashSet) split(hash uint64) (*hashPart, uint32) {
	return &s.parts[hash>>(64-partBits)], max(uint32(hash), 1) // #nosec G115 -- the lower half of a hash is meant
}

// add reports whether the hash is new.
func (s *hashSet) add(hash uint64) bool {
	p, tag := s.split(hash)
	if 8*p.used >= 7*len(p.tags) {
		s.memory -= int64(4 * len(p.tags))
		p.grow()
		s.memory += int64(4 * len(p.tags))
	}
	at := p.find(tag)
	if p.tags[at] != 0 {
		return false
	}
	p.tags[at] = tag
	p.used++
	return true
}

// has reports whether the hash may have been added.
func (s *hashSet) has(hash uint64) bool {
	p, tag := s.split(hash)
	return p.used > 0 && p.tags[p.find(tag)] != 0
}

// near reads the places of ids, all at once: the look-ups that follow do not wait for
// memory one after the other. What it returns means nothing.
func (s *hashSet) near(salt uint64, ids []ID) (read uint32) {
	for i := range ids {
		if p, tag := s.split(salt ^ ids[i].textHash); p.used > 0 {
			read ^= p.tags[int(tag)&(len(p.tags)-1)]
		}
	}
	return read
}

// find returns the place of a tag, or the empty one where it would go.
func (p *hashPart) find(tag uint32) int {
	mask := len(p.tags) - 1
	at := int(tag) & mask
	for p.tags[at] != 0 && p.tags[at] != tag {
		at = (at + 1) & mask
	}
	return at
}

func (p *hashPart) grow() {
	old := p.tags
	p.tags = make([]uint32, max(16, 2*len(old)))
	for _, tag := range old {
		if tag != 0 {
			p.tags[p.find(tag)] = tag
		}
	}
}
