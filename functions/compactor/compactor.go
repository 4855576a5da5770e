// Package compactor merges the small segments of all datasets, and removes what is older
// than they keep it, whenever the clock says so (docs/compaction.md, docs/retention.md).
package compactor

import (
	"context"

	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/retention"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Compactor compacts the datasets of all tenants.
type Compactor struct {
	Catalog dataset.Catalog
	Compact compact.Compactor
	Keep    retention.Keeper
	Shuffle func(n int, swap func(i, j int))                        // rand.Shuffle
	Swapped func(context.Context, tenant.ID, dataset.Dataset) error // told of each merge and removal; may be nil
}

// Report is what a run did.
type Report struct {
	compact.Report
	Expired retention.Report `json:"expired"`
	Failed  int              `json:"failed"` // datasets that the next run must try again
	More    bool             `json:"more"`   // time ran out
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

// dataset removes and merges until there is nothing to, or until another compactor is at
// it. What has expired goes first: it need not be merged.
func (c Compactor) dataset(ctx context.Context, t tenant.ID, d dataset.Dataset, r *Report) error {
	expire := func() (bool, error) {
		done, err := c.Keep.Step(ctx, t, d)
		r.Expired = r.Expired.Plus(done)
		return done.Segments > 0, err
	}
	merge := func() (bool, error) {
		done, err := c.Compact.Step(ctx, t, d.ID)
		r.Report = r.Plus(done)
		return done.Merges > 0, err
	}
	for _, step := range []func() (bool, error){expire, merge} {
		if err := c.repeat(ctx, t, d, step); err != nil {
			return err
		}
	}
	return nil
}

// repeat takes a step until there is none left to take.
func (c Compactor) repeat(ctx context.Context, t tenant.ID, d dataset.Dataset, step func() (more bool, err error)) error {
	for {
		more, err := step()
		if fault.Is(err, fault.Conflict) || err == nil && !more {
			return nil
		}
		if err == nil && c.Swapped != nil {
			err = c.Swapped(ctx, t, d)
		}
		if err != nil {
			return err
		}
	}
}
