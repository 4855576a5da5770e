package fake

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Secrets is secret.Store in memory.
type Secrets struct {
	mu   sync.Mutex
	kept map[tenant.ID]map[secret.Name]secret.Secret
}

var _ secret.Store = (*Secrets)(nil)

// Create implements secret.Store.
func (s *Secrets) Create(_ context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	return s.put(t, name, value, true)
}

// Put implements secret.Store.
func (s *Secrets) Put(_ context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	return s.put(t, name, value, false)
}

func (s *Secrets) put(t tenant.ID, name secret.Name, value secret.Value, absent bool) error {
	if err := secret.CheckValue(t, name, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was, taken := s.kept[t][name]
	if taken && absent {
		return fault.New(fault.Conflict, "secret_taken", "there is a secret %s already", name)
	}
	if s.kept == nil {
		s.kept = map[tenant.ID]map[secret.Name]secret.Secret{}
	}
	if s.kept[t] == nil {
		s.kept[t] = map[secret.Name]secret.Secret{}
	}
	s.kept[t][name] = secret.Secret{Current: value, Previous: was.Current}
	return nil
}

// Get implements secret.Store.
func (s *Secrets) Get(_ context.Context, t tenant.ID, name secret.Name) (secret.Secret, error) {
	if err := secret.Check(t, name); err != nil {
		return secret.Secret{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.kept[t][name]
	if !ok {
		return secret.Secret{}, secret.NotFound(name)
	}
	return found, nil
}

// Delete implements secret.Store.
func (s *Secrets) Delete(_ context.Context, t tenant.ID, name secret.Name) error {
	if err := secret.Check(t, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept[t], name)
	return nil
}

// List implements secret.Store.
func (s *Secrets) List(_ context.Context, t tenant.ID) ([]secret.Name, error) {
	if err := secret.CheckOwner(t); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.kept[t])), nil
}
