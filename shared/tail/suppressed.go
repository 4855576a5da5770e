package tail

import (
	"context"

	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// suppressed is a tenant's list, and the number of changes that it was read at.
type suppressed struct {
	list    suppression.List
	changes uint64
}

func (l *Live) suppressions() suppression.Store {
	return suppression.Store{Table: l.Manifest.Table}
}

// suppressed returns the filter that the records of one Fold are held against: the
// newest list, read after the records were. Those of other tenants are remembered in
// known.
func (l *Live) suppressed(ctx context.Context, t tenant.ID, known map[tenant.ID]*suppression.Filter) (*suppression.Filter, error) {
	if f, ok := known[t]; ok {
		return f, nil
	}
	var was suppressed
	if v, ok := l.held.Load(t); ok {
		was = v.(suppressed)
	}
	now := was
	if l.Changes != nil {
		now.changes = l.Changes() + 1 // before the list is read; zero: it never was
	}
	if l.Changes == nil || now.changes != was.changes {
		var err error
		if now.list, err = l.suppressions().Newest(ctx, t, was.list); err != nil {
			return nil, err
		}
		l.held.Store(t, now)
	}
	known[t] = now.list.Filter()
	return known[t], nil
}
