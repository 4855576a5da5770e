// Package fake holds the ports in memory, for tests that need thousands of fresh
// ones. Table, Stream, Queue and Directory pass the conformance suites of their ports.
package fake

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Table is a table.Table in memory. The zero Table is empty; without Now, time
// stands still at year 1 and nothing expires.
type Table struct {
	Now   func() time.Time
	mu    sync.Mutex
	items map[table.Key]table.Item
}

var _ table.Table = (*Table)(nil)

func copied(i table.Item) table.Item {
	i.Attributes, i.Counters, i.Body = maps.Clone(i.Attributes), maps.Clone(i.Counters), bytes.Clone(i.Body)
	return i
}

func (t *Table) get(key table.Key) (table.Item, bool) {
	i, ok := t.items[key]
	if ok && !i.Expires.IsZero() && t.Now != nil && !t.Now().Before(i.Expires) {
		return table.Item{}, false
	}
	return i, ok
}

func keyError(k table.Key) error {
	if k.Partition == "" || k.Sort == "" || len(k.Partition) > 1024 || len(k.Sort) > 900 {
		return fault.New(fault.Invalid, "bad_key", "a key has two parts of bounded length")
	}
	return nil
}

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := firstError(ctx.Err(), keyError(key)); err != nil {
		return table.Item{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.get(key)
	if !ok {
		return table.Item{}, fault.New(fault.NotFound, "no_item", "no item")
	}
	return copied(i), nil
}

// Items returns all items, in no order.
func (t *Table) Items() (all []table.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, item := range t.items {
		all = append(all, copied(item))
	}
	return all
}

// List implements table.Table. Next is the last sort key returned.
func (t *Table) List(ctx context.Context, q table.Query) (table.Page, error) {
	if q.Limit < 0 || q.Limit > table.MaxPage || q.Partition == "" {
		return table.Page{}, fault.New(fault.Invalid, "bad_query", "bad query")
	}
	if q.Limit == 0 {
		q.Limit = table.MaxPage
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []table.Item
	for key := range t.items {
		if i, ok := t.get(key); ok && within(key, q) {
			found = append(found, copied(i))
		}
	}
	slices.SortFunc(found, func(a, b table.Item) int {
		if q.Reverse {
			a, b = b, a
		}
		return strings.Compare(a.Key.Sort, b.Key.Sort)
	})
	if len(found) <= q.Limit {
		return table.Page{Items: found}, ctx.Err()
	}
	return table.Page{Items: found[:q.Limit], Next: found[q.Limit-1].Key.Sort}, ctx.Err()
}

func within(k table.Key, q table.Query) bool {
	if k.Partition != q.Partition || !strings.HasPrefix(k.Sort, q.Prefix) {
		return false
	}
	if q.Reverse {
		return (q.From == "" || k.Sort <= q.From) && (q.Next == "" || k.Sort < q.Next)
	}
	return k.Sort >= q.From && (q.Next == "" || k.Sort > q.Next)
}

// Commit implements table.Table.
func (t *Table) Commit(ctx context.Context, writes ...table.Write) error {
	if err := firstError(ctx.Err(), checkWrites(writes)); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range writes {
		if i, ok := t.get(w.Item.Key); !holds(w.Condition, i, ok) {
			return fault.New(fault.Conflict, "condition", "a condition on %s does not hold", w.Item.Key.Sort)
		}
	}
	if t.items == nil {
		t.items = map[table.Key]table.Item{}
	}
	for _, w := range writes {
		t.apply(w)
	}
	return nil
}

func checkWrites(writes []table.Write) error {
	seen, total := map[table.Key]bool{}, 0
	for _, w := range writes {
		n := size(w.Item)
		total += n
		if err := keyError(w.Item.Key); err != nil || seen[w.Item.Key] || n > table.MaxItem {
			return fault.New(fault.Invalid, "bad_write", "a bad key, one named twice, or too large an item")
		}
		seen[w.Item.Key] = true
	}
	if len(writes) > table.MaxWrites || total > table.MaxCommit {
		return fault.New(fault.Invalid, "too_large", "too large a commit")
	}
	return nil
}

func size(i table.Item) int {
	n := len(i.Key.Partition) + len(i.Key.Sort) + len(i.Body)
	for k, v := range i.Attributes {
		n += len(k) + len(v)
	}
	for k := range i.Counters {
		n += len(k) + 8
	}
	return n
}

func holds(c table.Condition, i table.Item, present bool) bool {
	switch c.Op {
	case table.OpAbsent:
		return !present
	case table.OpPresent:
		return present
	case table.OpEqual:
		return present && i.Attributes[c.Attribute] == c.Value
	}
	return true
}

func (t *Table) apply(w table.Write) {
	switch key := w.Item.Key; w.Verb {
	case table.VerbPut:
		t.items[key] = copied(w.Item)
	case table.VerbDelete:
		delete(t.items, key)
	case table.VerbAdd:
		i, _ := t.get(key)
		i = copied(i)
		i.Key = key
		if i.Counters == nil {
			i.Counters = map[string]int64{}
		}
		for name, n := range w.Item.Counters {
			i.Counters[name] += n
		}
		if !w.Item.Expires.IsZero() {
			i.Expires = w.Item.Expires
		}
		t.items[key] = i
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
