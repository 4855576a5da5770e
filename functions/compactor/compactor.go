// Package compactor merges the small segments of all datasets, whenever the clock
// says so (docs/compaction.md).
package compactor

import (
	"context"

	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Compactor compacts the datasets of all tenants.
type Compactor struct {
	Catalog dataset.Catalog
	Compact compact.Compactor
	Shuffle func(n int, swap func(i, j int))                        // rand.Shuffle
	Swapped func(context.Context, tenant.ID, dataset.Dataset) error // told of each merge; may be nil
}

// Report is what a run did.
type Report struct {
	compact.Report
	Failed int  `json:"failed"` // datasets that the next run must try again
	More   bool `json:"more"`   // time ran out
}

// Run merges what is worth merging, or as much as it can before ctx ends. A merge that
// is cut off leaves files that nobody names and that the sweeper deletes.
func (c Compactor) Run(ctx context.Context) (Report, error) {
	var r Report
	var err error
	r.Failed, r.More, err = c.Catalog.Visit(ctx, c.Shuffle, func(ctx context.Context, t tenant.ID, d dataset.Dataset) error {
		return c.dataset(ctx, t, d, &r)
	})
	return r, err
}

// dataset merges until nothing is worth it, or until another compactor is at it.
func (c Compactor) dataset(ctx context.Context, t tenant.ID, d dataset.Dataset, r *Report) error {
	if d.Kind != dataset.Events {
		return nil
	}
	for {
		done, err := c.Compact.Step(ctx, t, d.ID)
		if fault.Is(err, fault.Conflict) || err == nil && done.Merges == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		r.Report = r.Plus(done)
		if c.Swapped != nil {
			if err := c.Swapped(ctx, t, d); err != nil {
				return err
			}
		}
	}
}
