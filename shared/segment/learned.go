package segment

import (
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/shared/rows"
)

// learned is what a process remembers of the ids of segments that it wrote itself:
// one set for all of them, so that a new id is one look-up away from known to be new,
// however many segments there are. It keeps two eras. When the newer one is full it
// becomes the older, and what the older held is asked of the segments again.
type learned struct {
	bound int64 // bytes of an era

	mu    sync.Mutex
	era   int64 // the newer one's number; the older one's is one less
	newer *hashSet
	older *hashSet
	eras  map[string]int64 // by blob: when its ids were added, or later
}

func newLearned(bound int64) *learned {
	const first = 2 // the era before it is not zero, which stands for never
	return &learned{bound: bound, era: first, newer: &hashSet{}, older: &hashSet{}, eras: map[string]int64{}}
}

// chunk is how many ids are added before those who look ids up have a turn.
const chunk = 1024

// Learn remembers the ids of a segment that was just written from these rows in this
// order, so that they need not be asked of it.
func (c *Cache) Learn(ref Ref, batch rows.Batch, order []int32) {
	order = orderOf(batch, order)
	ids := &batch.Columns[rows.EventID]
	salt := saltOf(ref)
	era := c.learned.begin(int64(8 * len(order)))
	hashes := make([]uint64, 0, chunk)
	for len(order) > 0 {
		hashes = hashes[:0]
		for _, row := range order[:min(chunk, len(order))] {
			hashes = append(hashes, salt^hashOf(ids.Text(int(row)), false))
		}
		order = order[len(hashes):]
		c.learned.add(hashes)
	}
	c.learned.end(ref.Key, era)
}

// begin returns the era that additions of so many bytes go to, at least in part.
func (l *learned) begin(bytes int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newer.memory+bytes > l.bound {
		l.era++
		l.older, l.newer = l.newer, &hashSet{}
		for key, era := range l.eras {
			if era < l.era-1 {
				delete(l.eras, key)
			}
		}
	}
	return l.era
}

func (l *learned) add(hashes []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range hashes {
		l.newer.add(h)
	}
}

func (l *learned) end(key string, era int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if era >= l.era-1 {
		l.eras[key] = era
	}
}

// of returns the era of a segment's ids; zero if they were not learned.
func (l *learned) of(key string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.eras[key]
}

// recall sets may for the ids that may be in any segment of the dataset that ref is
// of and of an era since the one that it returns. Of the others it is sure.
func (l *learned) recall(ref Ref, ids []ID, may []bool) (since int64, any bool) {
	salt := saltOf(ref)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range ids {
		h := salt ^ ids[i].textHash
		may[i] = l.newer.has(h) || l.older.has(h)
		any = any || may[i]
	}
	return l.era - 1, any
}

// saltOf tells datasets apart that hold the same ids.
func saltOf(ref Ref) uint64 {
	end := 0
	for range strings.Count(Prefix("", ""), "/") {
		end += strings.IndexByte(ref.Key[end:], '/') + 1
	}
	return xxhash.Sum64String(ref.Key[:end])
}
