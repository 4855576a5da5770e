package oidc

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// memory is the least table that the provider needs. It never expires anything, so
// that the provider's own clock decides.
type memory struct {
	mu    sync.Mutex
	items map[table.Key]table.Item
	down  error // what everything fails with, if set
}

func newMemory() *memory { return &memory{items: map[table.Key]table.Item{}} }

func (m *memory) Get(_ context.Context, key table.Key) (table.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return table.Item{}, m.down
	}
	item, ok := m.items[key]
	if !ok {
		return table.Item{}, fault.New(fault.NotFound, "item_not_found", "no item")
	}
	return item, nil
}

func (m *memory) List(_ context.Context, q table.Query) (table.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(m.items), func(a, b table.Key) int { return strings.Compare(a.Sort, b.Sort) })
	var page table.Page
	for _, key := range keys {
		if key.Partition != q.Partition || key.Sort <= q.Next {
			continue
		}
		if q.Limit > 0 && len(page.Items) == q.Limit {
			page.Next = page.Items[q.Limit-1].Key.Sort
			break
		}
		page.Items = append(page.Items, m.items[key])
	}
	return page, m.down
}

func (m *memory) Commit(_ context.Context, writes ...table.Write) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return m.down
	}
	named := map[table.Key]bool{}
	for _, w := range writes {
		item, there := m.items[w.Item.Key]
		c := w.Condition
		if c.Op == table.OpAbsent && there || c.Op == table.OpPresent && !there ||
			c.Op == table.OpEqual && (!there || item.Attributes[c.Attribute] != c.Value) {
			return fault.New(fault.Conflict, "conflict", "condition failed")
		}
		if named[w.Item.Key] {
			return fault.New(fault.Invalid, "twice", "two writes of %v", w.Item.Key)
		}
		named[w.Item.Key] = true
	}
	for _, w := range writes {
		switch w.Verb {
		case table.VerbPut:
			m.items[w.Item.Key] = w.Item
		case table.VerbDelete:
			delete(m.items, w.Item.Key)
		case table.VerbAdd:
			sum := table.Item{Key: w.Item.Key, Counters: maps.Clone(m.items[w.Item.Key].Counters)}
			if sum.Counters == nil {
				sum.Counters = map[string]int64{}
			}
			for name, n := range w.Item.Counters {
				sum.Counters[name] += n
			}
			m.items[w.Item.Key] = sum
		}
	}
	return nil
}
