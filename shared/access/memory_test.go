package access

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// memory is the least table that keys need. It counts reads, and fails them all
// while down is set.
type memory struct {
	mu    sync.Mutex
	items map[table.Key]table.Item
	reads int
	down  error
}

func newMemory() *memory { return &memory{items: map[table.Key]table.Item{}} }

func (m *memory) Get(_ context.Context, key table.Key) (table.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	item, ok := m.items[key]
	if m.down != nil {
		return table.Item{}, m.down
	}
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
		if len(page.Items) == q.Limit {
			page.Next = page.Items[q.Limit-1].Key.Sort
			break
		}
		page.Items = append(page.Items, m.items[key])
	}
	return page, nil
}

func (m *memory) Commit(_ context.Context, writes ...table.Write) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range writes {
		_, there := m.items[w.Item.Key]
		if w.Condition.Op == table.OpAbsent && there || w.Condition.Op == table.OpPresent && !there {
			return fault.New(fault.Conflict, "conflict", "condition failed")
		}
	}
	for _, w := range writes {
		m.items[w.Item.Key] = w.Item
	}
	return nil
}
