// Package lru keeps the most recently used values within a bound of memory.
package lru

import (
	"container/list"
	"sync"
)

// Cache keeps values of which each says how many bytes it takes. It is safe for
// concurrent use.
type Cache[K comparable, V any] struct {
	bound int64 // bytes

	mu     sync.Mutex
	used   int64
	places map[K]*list.Element
	order  *list.List // of *entry[K, V], the most recent first
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int64
}

// New returns an empty Cache that keeps up to bound bytes.
func New[K comparable, V any](bound int64) *Cache[K, V] {
	return &Cache[K, V]{bound: bound, places: map[K]*list.Element{}, order: list.New()}
}

// Get returns the value of a key, which is then the most recently used.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, ok := c.places[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(place)
	return place.Value.(*entry[K, V]).value, true
}

// Put keeps a value of so many bytes in place of what the key had, unless it alone is
// past the bound.
func (c *Cache[K, V]) Put(key K, value V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place, ok := c.places[key]; ok {
		c.drop(place)
	}
	if size > c.bound {
		return
	}
	c.places[key] = c.order.PushFront(&entry[K, V]{key, value, size})
	for c.used += size; c.used > c.bound; {
		c.drop(c.order.Back())
	}
}

// Used returns the bytes that are kept.
func (c *Cache[K, V]) Used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

func (c *Cache[K, V]) drop(place *list.Element) {
	gone := c.order.Remove(place).(*entry[K, V])
	delete(c.places, gone.key)
	c.used -= gone.size
}
