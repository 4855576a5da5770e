package access

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// memory is a table that counts its reads, keeps all that was ever written, and
// fails every read while down is set.
type memory struct {
	fake.Table
	reads   atomic.Int64
	writing sync.Mutex
	written []table.Item
	down    error
}

func (m *memory) Get(ctx context.Context, key table.Key) (table.Item, error) {
	m.reads.Add(1)
	if m.down != nil {
		return table.Item{}, m.down
	}
	return m.Table.Get(ctx, key)
}

func (m *memory) Commit(ctx context.Context, writes ...table.Write) error {
	m.writing.Lock()
	for _, w := range writes {
		m.written = append(m.written, w.Item)
	}
	m.writing.Unlock()
	return m.Table.Commit(ctx, writes...)
}

// vault is a store of secrets that fails every read while down is set.
type vault struct {
	fake.Secrets
	down error
}

func (v *vault) Get(ctx context.Context, t tenant.ID, name secret.Name) (secret.Secret, error) {
	if v.down != nil {
		return secret.Secret{}, v.down
	}
	return v.Secrets.Get(ctx, t, name)
}
