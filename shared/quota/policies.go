package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// age is how long a process goes by a policy that it has read.
const age = 5 * time.Second

// Place is where the limits of a tenant are kept, the Policy among them.
func Place(t tenant.ID) table.Key {
	return table.Key{Partition: "limits#" + string(t), Sort: "query"}
}

// Policies reads what tenants allow. It must not be copied.
type Policies struct {
	Table table.Table
	Now   func() time.Time

	mu   sync.RWMutex
	read map[tenant.ID]known
}

type known struct {
	policy Policy
	at     time.Time
}

// Recent returns a policy that was the tenant's some seconds ago, or is now. While the
// table cannot be read it is the last one that was: an outage stops nobody.
func (s *Policies) Recent(ctx context.Context, t tenant.ID) (Policy, error) {
	now := s.Now()
	s.mu.RLock()
	last, ok := s.read[t]
	s.mu.RUnlock()
	if ok && now.Sub(last.at) < age {
		return last.policy, nil
	}
	p, err := s.get(ctx, t)
	if err != nil {
		if ok {
			return last.policy, nil
		}
		return Policy{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = map[tenant.ID]known{}
	}
	s.read[t] = known{p, now}
	return p, nil
}

// Forget makes this process read a tenant's policy anew.
func (s *Policies) Forget(t tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.read, t)
}

func (s *Policies) get(ctx context.Context, t tenant.ID) (p Policy, err error) {
	item, err := s.Table.Get(ctx, Place(t))
	if fault.Is(err, fault.NotFound) {
		return Policy{}, nil
	}
	if err != nil {
		return Policy{}, err
	}
	if err := json.Unmarshal(item.Body, &p); err != nil {
		return Policy{}, fmt.Errorf("limits of %s: %w", t, err)
	}
	return p, nil
}
