package tail

import (
	"context"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// record is one record of a shard, decoded, and what it is folded with.
type record struct {
	sequence   stream.Sequence
	envelope   *events.Envelope
	suppressed *suppression.Filter
	horizon    int64               // events before it are older than the dataset keeps them; UTC microseconds
	hasher     *suppression.Hasher // of their ids; nil where there is none of them
}

// expired reports whether an event had expired when it arrived. It goes by the arrival, so
// that whoever folds the record comes to the same end.
func (r record) expired(e *events.Event) bool { return e.Time < r.horizon }

// marked reports whether all that may be left of an event is a mark.
func (r record) marked(e *events.Event) bool { return e.Dropped != 0 || r.expired(e) }

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

// record joins a record with what it is folded with.
func (l *Live) record(ctx context.Context, d *live, at stream.Sequence, env *events.Envelope, filter *suppression.Filter) (record, error) {
	r := record{sequence: at, envelope: env, suppressed: filter, horizon: d.settings().Settings.Horizon(env.Arrived)}
	for i := range env.Events {
		if r.hasher == nil && r.marked(&env.Events[i]) {
			salt, err := l.salt(ctx, d.tenant)
			if err != nil {
				return record{}, err
			}
			r.hasher = salt.Hasher()
		}
	}
	return r, nil
}

// salt returns a tenant's salt, which never changes.
func (l *Live) salt(ctx context.Context, t tenant.ID) (suppression.Salt, error) {
	if known, ok := l.salts.Load(t); ok {
		return known.(suppression.Salt), nil
	}
	salt, err := l.suppressions().Salt(ctx, t)
	if err == nil {
		l.salts.Store(t, salt)
	}
	return salt, err
}
