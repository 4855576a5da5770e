package lru

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestACacheKeepsWhatWasUsedLast holds a cache against a list.
func TestACacheKeepsWhatWasUsedLast(t *testing.T) {
	type kept struct{ key, value, size int }
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(0, 20).Draw(t, "bound")
		c := New[int, int](int64(bound))
		var list []kept // the most recent first
		find := func(key int) int { return slices.IndexFunc(list, func(k kept) bool { return k.key == key }) }
		for step := range rapid.IntRange(1, 50).Draw(t, "steps") {
			key, at := rapid.IntRange(0, 8).Draw(t, "key"), 0
			if rapid.Bool().Draw(t, "get") {
				value, ok := c.Get(key)
				if at = find(key); ok != (at >= 0) || ok && value != list[at].value {
					t.Fatalf("step %d: key %d is %d, %v; the list is %v", step, key, value, ok, list)
				}
				if ok {
					found := list[at]
					list = slices.Insert(slices.Delete(list, at, at+1), 0, found)
				}
				continue
			}
			size := rapid.IntRange(0, 12).Draw(t, "size")
			c.Put(key, step, int64(size))
			if at = find(key); at >= 0 {
				list = slices.Delete(list, at, at+1)
			}
			if size <= bound {
				list = slices.Insert(list, 0, kept{key, step, size})
			}
			used := 0
			for i, k := range list {
				if used += k.size; used > bound {
					list = list[:i]
					break
				}
			}
		}
		used := 0
		for _, k := range list {
			used += k.size
		}
		if got := c.Used(); got != int64(used) {
			t.Fatalf("%d bytes are used, want %d", got, used)
		}
	})
}
