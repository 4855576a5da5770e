package limit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// age is how long a process goes by limits that it has read.
const age = 5 * time.Second

// Store keeps the limits of tenants.
type Store struct {
	Table table.Table
	Now   func() time.Time
	Meter *quota.Meter // nil: what questions use is not counted

	mu   sync.Mutex
	read map[tenant.ID]known
}

type known struct {
	limits Limits
	at     time.Time
}

// Get returns a tenant's limits; without any they are all zero.
func (s *Store) Get(ctx context.Context, t tenant.ID) (Limits, error) {
	item, err := s.Table.Get(ctx, quota.Place(t))
	if fault.Is(err, fault.NotFound) {
		return Limits{}, nil
	}
	if err != nil {
		return Limits{}, err
	}
	var l Limits
	if err := json.Unmarshal(item.Body, &l); err != nil {
		return Limits{}, fmt.Errorf("limits of %s: %w", t, err)
	}
	return l, nil
}

// Recent returns limits that were a tenant's some seconds ago, or are now.
func (s *Store) Recent(ctx context.Context, t tenant.ID) (Limits, error) {
	now := s.Now()
	s.mu.Lock()
	k, ok := s.read[t]
	s.mu.Unlock()
	if ok && now.Sub(k.at) < age {
		return k.limits, nil
	}
	l, err := s.Get(ctx, t)
	if err == nil {
		s.remember(t, known{l, now})
	}
	return l, err
}

// Bound lets a caller's question cost no more than the tenant's limits and quotas
// allow. A nil Store has none.
func (s *Store) Bound(ctx context.Context, caller access.Principal) (context.Context, context.CancelFunc, error) {
	if s == nil {
		return ctx, func() {}, nil
	}
	l, err := s.Recent(ctx, caller.Tenant)
	if err != nil {
		return nil, nil, err
	}
	b := &budget{limits: l}
	if s.Meter != nil {
		b.use = func(ctx context.Context, use quota.Use) error {
			_, err := s.Meter.Take(ctx, caller.Tenant, caller.ID, use)
			return err
		}
	}
	ctx, cancel := with(ctx, b)
	return ctx, cancel, nil
}

// Order charges a caller's quotas and the month's budget for a job that reads segments.
// What one question may cost does not bound it. A nil Store charges nothing.
func (s *Store) Order(ctx context.Context, caller access.Principal, refs []segment.Ref) error {
	if s == nil || s.Meter == nil {
		return nil
	}
	cost := Limits{USD: questionUSD}.with(refs)
	_, err := s.Meter.Take(ctx, caller.Tenant, caller.ID, quota.Use{quota.Bytes: cost.Bytes, quota.USD: quota.Nanodollars(cost.USD)})
	return err
}

// Put sets a tenant's limits. Other processes go by them within seconds.
func (s *Store) Put(ctx context.Context, t tenant.ID, l Limits) error {
	if l.Rows < 0 || l.Bytes < 0 || l.Seconds < 0 || l.USD < 0 {
		return fault.New(fault.Invalid, "bad_limits", "a limit is a number from 0 on").WithHint("leave a limit out, or give 0, for none")
	}
	if err := l.Policy.Check(); err != nil {
		return err
	}
	body, err := json.Marshal(l)
	if err != nil {
		return fault.New(fault.Invalid, "bad_limits", "a limit is a finite number").Because(err)
	}
	if err := s.Table.Commit(ctx, table.Put(table.Item{Key: quota.Place(t), Body: body})); err != nil {
		return err
	}
	s.remember(t, known{l, s.Now()})
	if s.Meter != nil {
		s.Meter.Policies.Forget(t)
	}
	return nil
}

func (s *Store) remember(t tenant.ID, k known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = map[tenant.ID]known{}
	}
	s.read[t] = k
}
