package oidc

import (
	"context"
	"sync"

	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// memory is a table that keeps all that was ever written, and fails while down is
// set. It never expires anything, so that the provider's own clock decides.
type memory struct {
	fake.Table
	mu      sync.Mutex
	written []table.Item
	down    error
}

func (m *memory) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if m.down != nil {
		return table.Item{}, m.down
	}
	return m.Table.Get(ctx, key)
}

func (m *memory) Commit(ctx context.Context, writes ...table.Write) error {
	if m.down != nil {
		return m.down
	}
	m.mu.Lock()
	for _, w := range writes {
		m.written = append(m.written, w.Item)
	}
	m.mu.Unlock()
	return m.Table.Commit(ctx, writes...)
}
