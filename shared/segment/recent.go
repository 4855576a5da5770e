package segment

import (
	"container/list"
	"sync"
)

// recent keeps the most recently used values within a bound of memory. Segments never
// change, so that nothing in it is ever stale.
type recent struct {
	bound int64 // bytes

	mu     sync.Mutex
	used   int64
	places map[cacheKey]*list.Element
	order  *list.List // of *cached, the most recent first
}

// cacheKey names a part of a segment: a row group's ids; where group is negative, a
// row group's marks or the file.
type cacheKey struct {
	blob  string
	group int
}

const theFile = -1

func marksOf(group int) int { return -2 - group }

type cached struct {
	key   cacheKey
	value any
	size  int64
}

func newRecent(bound int64) *recent {
	return &recent{bound: bound, places: map[cacheKey]*list.Element{}, order: list.New()}
}

func (c *recent) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, ok := c.places[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(place)
	return place.Value.(*cached).value, true
}

// put keeps a value, unless it alone is past the bound.
func (c *recent) put(key cacheKey, value any, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.places[key]; ok || size > c.bound {
		return
	}
	c.places[key] = c.order.PushFront(&cached{key, value, size})
	for c.used += size; c.used > c.bound; {
		last := c.order.Remove(c.order.Back()).(*cached)
		delete(c.places, last.key)
		c.used -= last.size
	}
}
