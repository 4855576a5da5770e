package segment

import (
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Era numbers a time in which a process remembered all ids that it met. Zero is none.
type Era int64

// learned is what a process remembers of the ids that it met: one set for all of
// them, so that a new id is one look-up away from known to be new, however many
// segments there are. It keeps two eras. When the newer one is full it becomes the
// older, and what the older held is asked of the segments again.
type learned struct {
	bound int64 // bytes of an era

	mu    sync.Mutex
	era   Era // the newer one; the older one's number is one less
	newer *hashSet
	older *hashSet
	eras  map[string]Era // by blob: its ids were met in this era or after it
}

func newLearned(bound int64) *learned {
	const first = 2 // the era before it is not zero
	return &learned{bound: bound, era: first, newer: &hashSet{}, older: &hashSet{}, eras: map[string]Era{}}
}

// Met is what is remembered of some ids.
type Met struct {
	Since Era    // what is said holds of ids that were met in this era or after it
	Now   Era    // when these ids were met
	May   []bool // the id may have been met before; of the others it is sure that they were not

	read uint32 // kept, or the compiler would not have it read
}

// Meet remembers ids of a dataset and says in met, whose memory it uses again, whether
// they may have been met before: in earlier calls, or earlier in the list.
func (c *Cache) Meet(d dataset.ID, ids []ID, met *Met) {
	salt := xxhash.Sum64String(string(d)) // tells datasets apart that hold the same ids
	l := c.learned
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newer.memory > l.bound {
		l.turn()
	}
	met.Since, met.Now, met.May = l.era-1, l.era, met.May[:0]
	met.read = l.newer.near(salt, ids) ^ l.older.near(salt, ids)
	for i := range ids {
		hash := salt ^ ids[i].textHash
		known := !l.newer.add(hash)
		met.May = append(met.May, known || l.older.has(hash))
	}
}

// turn begins an era. The lock is held.
func (l *learned) turn() {
	l.era++
	l.older, l.newer = l.newer, &hashSet{}
	for key, era := range l.eras {
		if era < l.era-1 {
			delete(l.eras, key)
		}
	}
}

// Learn says that all ids of a segment of rows were met in an era or after it, so that
// the segment need not be asked for ids that were not.
func (c *Cache) Learn(ref Ref, era Era) {
	l := c.learned
	l.mu.Lock()
	defer l.mu.Unlock()
	if era >= l.era-1 {
		l.eras[ref.Key] = era
	}
}

// of returns the era that a segment's ids were met in; zero if that is not known.
func (l *learned) of(key string) Era {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.eras[key]
}
