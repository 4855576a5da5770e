package gate

import (
	"context"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Grant gives callers a role on one dataset, or one saved query, beside what their own
// role lets them do. It takes nothing from anybody.
type Grant struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	access.Granted
	To Callers `json:"to"`
}

// AddGrant stores a grant under a new id. It holds at once in this process, and within
// seconds in others.
func (s *Store) AddGrant(ctx context.Context, t tenant.ID, g Grant) (Grant, error) {
	if err := g.Granted.Check(); err != nil {
		return g, err
	}
	if err := g.To.check(); err != nil {
		return g, err
	}
	var err error
	if g.ID, g.Created, err = s.fresh(ctx, t); err != nil {
		return g, err
	}
	return g, s.put(ctx, t, grantPrefix+g.ID, g)
}

// Grants lists a tenant's grants.
func (s *Store) Grants(ctx context.Context, t tenant.ID) ([]Grant, error) {
	r, err := s.load(ctx, t)
	return r.grants, err
}

// RemoveGrant ends a grant, or returns fault.NotFound.
func (s *Store) RemoveGrant(ctx context.Context, t tenant.ID, id string) error {
	return s.remove(ctx, t, grantPrefix, id)
}

// RemoveOn ends the grants on a dataset that is deleted, and what it carried: another of its
// name has neither.
func (s *Store) RemoveOn(ctx context.Context, t tenant.ID, of dataset.Name) error {
	all, err := s.Grants(ctx, t)
	if err != nil {
		return err
	}
	const atOnce = 50
	for some := range slices.Chunk(slices.DeleteFunc(all, func(g Grant) bool { return g.Dataset != of }), atOnce) {
		writes := make([]table.Write, len(some))
		for i, g := range some {
			writes[i] = table.Delete(table.Key{Partition: partition(t), Sort: grantPrefix + g.ID})
		}
		if err := s.Table.Commit(ctx, writes...); err != nil {
			return err
		}
	}
	if err := s.Table.Commit(ctx, table.Delete(carriedKey(t, of))); err != nil {
		return err
	}
	s.forget(t)
	return nil
}

// GrantedTo returns what was granted to a principal.
func (s *Store) GrantedTo(ctx context.Context, p access.Principal) (held []access.Granted, err error) {
	r, err := s.recent(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	for _, g := range r.grants {
		if g.To.include(p, "") {
			held = append(held, g.Granted)
		}
	}
	return held, nil
}
