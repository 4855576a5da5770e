package trail

import (
	"bytes"
	"math/bits"
	"sync"
)

// index finds the subjects of a run, and knows how many have each step. It is made when
// it is first asked of.
type index struct {
	once   sync.Once
	places []place
	counts map[Step]int64
}

// place is where a subject's trail begins in a run.
type place struct {
	rank uint64
	at   int
}

const stride = 16 // subjects from place to place

// indexed returns the index of a run, whose subjects have each step once.
func (r run) indexed() *index {
	r.index.once.Do(func() {
		same := make([]uint32, len(r.marks))
		for i := range same {
			same[i] = uint32(i) // #nosec G115 -- places of marks, fewer than 2^32
		}
		r.index.counts = map[Step]int64{}
		c, at, steps := cursor{rest: r.data, renamed: same}, 0, []Step(nil)
		for n := 0; ; n++ {
			if c.next(); !c.more {
				return
			}
			if n%stride == 0 {
				r.index.places = append(r.index.places, place{c.rank, at})
			}
			for _, s := range c.steps(steps[:0]) {
				r.index.counts[s]++
			}
			at = len(r.data) - len(c.rest)
		}
	})
	return r.index
}

// from returns where to begin to look for a subject.
func (x *index) from(rank uint64) int {
	near, _ := bits.Mul64(rank, uint64(len(x.places))) // ranks lie evenly
	i := int(near)                                     // #nosec G115 -- below the length of a list
	for i > 0 && x.places[i].rank >= rank {
		i--
	}
	for i+1 < len(x.places) && x.places[i+1].rank < rank {
		i++
	}
	return x.places[i].at
}

// find appends the steps of a subject; none if the run does not have it.
func (r run) find(subject []byte, renamed []uint32, out []Step) []Step {
	wanted := rank(subject)
	c := cursor{rest: r.data[r.indexed().from(wanted):], renamed: renamed}
	for c.next(); c.more && c.rank <= wanted; c.next() {
		if c.rank == wanted && bytes.Equal(c.subject, subject) {
			return c.steps(out)
		}
		c.pass()
	}
	return out
}
