// Package publisher brings the Iceberg tables of all datasets up to date, whenever the
// clock says so (docs/iceberg.md).
package publisher

import (
	"context"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Publisher publishes the datasets of all tenants.
type Publisher struct {
	Catalog dataset.Catalog
	Lake    lake.Publisher
	Shuffle func(n int, swap func(i, j int)) // rand.Shuffle
}

// Report is what a run did.
type Report struct {
	lake.Report
	Failed int  `json:"failed"` // datasets that the next run must try again
	More   bool `json:"more"`   // time ran out
}

// Run publishes what is to be published, or as much as it can before ctx ends. A commit
// that is cut off may have been made, and the next run looks.
func (p Publisher) Run(ctx context.Context) (Report, error) {
	var r Report
	var err error
	r.Failed, r.More, err = p.Catalog.Visit(ctx, p.Shuffle, func(ctx context.Context, t tenant.ID, d dataset.Dataset) error {
		if d.Kind != dataset.Events {
			return nil
		}
		done, err := p.Lake.Publish(ctx, t, d)
		r.Added, r.Removed = r.Added+done.Added, r.Removed+done.Removed
		return err
	})
	return r, err
}
