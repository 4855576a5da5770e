package answer

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// hours is how long shared answers are kept: a new version makes new tags.
const hours = 6 * time.Hour

// Table shares answers in a table. Those that are larger than an item may be are not
// shared.
type Table struct {
	Table table.Table
	Now   func() time.Time
}

func (s Table) key(t tenant.ID, tag Tag) table.Key {
	return table.Key{Partition: "answers#" + string(t), Sort: string(tag)}
}

// Get implements Shared.
func (s Table) Get(ctx context.Context, t tenant.ID, tag Tag) ([]byte, bool, error) {
	item, err := s.Table.Get(ctx, s.key(t, tag))
	if fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return item.Body, err == nil, err
}

// Clear forgets all that is kept of a tenant, and returns how many answers that were.
func (s Table) Clear(ctx context.Context, t tenant.ID) (int, error) {
	return table.Clear(ctx, s.Table, s.key(t, "").Partition)
}

// Put implements Shared.
func (s Table) Put(ctx context.Context, t tenant.ID, tag Tag, value []byte) error {
	if len(value) > table.MaxItem-1000 {
		return nil
	}
	return s.Table.Commit(ctx, table.Put(table.Item{Key: s.key(t, tag), Body: value, Expires: s.Now().Add(hours)}))
}
