package snapshot

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
)

// OfState is the snapshot of what is sealed.
func OfState(d dataset.Dataset, st manifest.State) Snapshot {
	position := Position{}
	maps.Copy(position, st.Through)
	return Snapshot{
		Dataset: d, Schema: manifest.MergeSchema(st.Schema, dataset.Schema{Columns: d.Declared}), Version: st.Version, Position: position,
		Segments: st.Of(segment.Rows), State: st, Release: func() {},
	}
}

// NotYet is the answer to a caller who waited in vain for its own write.
func NotYet(cause error) error {
	return fault.New(fault.Unavailable, "not_yet", "what wait_for names is not visible yet").
		WithHint("ask again").Because(cause)
}

// Sealed is the Source of a function that has no tail beside it: what it sees is
// what has been committed. It remembers states, so that only new entries are read.
type Sealed struct {
	Catalog  dataset.Catalog
	Manifest manifest.Store
	Poll     func(context.Context) error // waits a little, or fails when ctx ends
	Removed  func(keys ...string)        // told of segments that went with a newer version; may be nil

	mu     sync.Mutex
	states map[dataset.ID]manifest.State // dataset ids are unique among tenants
}

// Open pins the newest version of a dataset; see Source.
func (s *Sealed) Open(ctx context.Context, t tenant.ID, name dataset.Name, wait Position) (Snapshot, error) {
	d, err := s.Catalog.Get(ctx, t, name)
	if err != nil {
		return Snapshot{}, err
	}
	for {
		st, err := s.state(ctx, t, d.ID)
		if err != nil {
			return Snapshot{}, err
		}
		if snap := OfState(d, st); snap.Position.Covers(wait) {
			return snap, nil
		}
		if err := s.Poll(ctx); err != nil {
			return Snapshot{}, NotYet(err)
		}
	}
}

func (s *Sealed) state(ctx context.Context, t tenant.ID, d dataset.ID) (manifest.State, error) {
	s.mu.Lock()
	st, ok := s.states[d]
	s.mu.Unlock()
	var err error
	if ok {
		st, err = s.Manifest.Refresh(ctx, t, d, st)
	} else {
		st, err = s.Manifest.Load(ctx, t, d)
	}
	if err != nil {
		return manifest.State{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Removed != nil && st.Version > s.states[d].Version {
		for _, r := range st.Removed {
			s.Removed(r.Key)
		}
	}
	if s.states == nil {
		s.states = map[dataset.ID]manifest.State{}
	}
	if st.Version >= s.states[d].Version {
		s.states[d] = st
	}
	return st, nil
}

// Every is a Poll that waits for an interval of real time.
func Every(interval time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		timer := time.NewTimer(interval)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
