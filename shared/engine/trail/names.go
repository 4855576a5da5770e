// #nosec G115 -- places in lists of names, which are fewer than 2^32: each takes bytes of a memory that is bounded

package trail

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// names numbers subjects. It tells them apart by 128 bits of seeded hashes and not by
// their letters, which lie scattered in memory: among 100 million subjects the chance
// that any two are taken for one is less than one in 10^22.
type names struct {
	seeds [2]maphash.Seed
	slots []slot // a power of two of them
	all   []string
}

// slot is a subject's hashes and its number, from one; zero: free.
type slot struct {
	hash   [2]uint64
	number uint32
}

func newNames() *names {
	return &names{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, slots: make([]slot, 1<<10)}
}

// number returns the number of a subject, which it keeps if it is new.
func (n *names) number(subject string) uint32 {
	hash := [2]uint64{maphash.String(n.seeds[0], subject), maphash.String(n.seeds[1], subject)}
	at := n.place(hash)
	if found := n.slots[at].number; found != 0 {
		return found - 1
	}
	n.all = append(n.all, subject)
	n.slots[at] = slot{hash, uint32(len(n.all))}
	if 2*len(n.all) > len(n.slots) {
		n.grow()
	}
	return uint32(len(n.all) - 1)
}

// place finds the slot of hashes, or the free one that is theirs.
func (n *names) place(hash [2]uint64) uint64 {
	mask := uint64(len(n.slots) - 1)
	at := hash[0] & mask
	for n.slots[at].number != 0 && n.slots[at].hash != hash {
		at = (at + 1) & mask
	}
	return at
}

func (n *names) grow() {
	was := n.slots
	n.slots = make([]slot, 2*len(was))
	for _, s := range was {
		if s.number != 0 {
			n.slots[n.place(s.hash)] = s
		}
	}
}

// ranked returns the subjects by rank, and tells the place of each.
func (n *names) ranked() (sorted [][]byte, places []uint32) {
	type ranked struct {
		rank   uint64
		number uint32
	}
	order := make([]ranked, len(n.all))
	for i, name := range n.all {
		order[i] = ranked{rank([]byte(name)), uint32(i)}
	}
	slices.SortFunc(order, func(a, b ranked) int {
		if a.rank != b.rank {
			return cmp.Compare(a.rank, b.rank)
		}
		return cmp.Compare(n.all[a.number], n.all[b.number])
	})
	sorted, places = make([][]byte, len(order)), make([]uint32, len(order))
	for place, r := range order {
		sorted[place], places[r.number] = []byte(n.all[r.number]), uint32(place)
	}
	return sorted, places
}
