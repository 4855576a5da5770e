package suppression

import (
	"context"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Guard is the edition that rows of a dataset must have been held against, or they may
// not be committed. It lies in the partition of the dataset's log, whose commits
// contend with each other anyway.
type Guard struct {
	Edition Edition
	key     table.Key
}

// Guard returns a dataset's guard.
func (s Store) Guard(ctx context.Context, t tenant.ID, d dataset.ID) (Guard, error) {
	g := Guard{key: table.Key{Partition: checkpoint.Partition(t, d), Sort: "suppressed"}}
	var err error
	g.Edition, err = s.edition(ctx, g.key)
	return g, err
}

// Raise moves a dataset's guard to an edition, never back. Whatever is committed after
// it was held against that edition at least.
func (s Store) Raise(ctx context.Context, t tenant.ID, d dataset.ID, to Edition) error {
	for {
		g, err := s.Guard(ctx, t, d)
		if err != nil || g.Edition >= to {
			return err
		}
		err = s.Table.Commit(ctx, table.Put(numbered(g.key, to)).If(is(g.Edition)))
		if !fault.Is(err, fault.Conflict) {
			return err
		} // another erasure raised it meanwhile
	}
}

// Check is the part of a commit that holds only while the guard has not moved.
func (g Guard) Check() table.Write { return table.Check(g.key, is(g.Edition)) }

// Admits fails with fault.Conflict when rows were held against an edition before the
// guard's: somebody was suppressed meanwhile, and they have to be looked at again.
func (g Guard) Admits(e Edition) error {
	if e < g.Edition {
		return fault.New(fault.Conflict, "suppressed_meanwhile", "a subject was suppressed meanwhile")
	}
	return nil
}
