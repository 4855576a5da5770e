package lake

import (
	"context"
	"math"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Erase brings a dataset's table up to its newest version and lets every earlier snapshot
// go at once, whoever reads it: no file is shown or held then that the version does not
// name. A table that was never published stays so.
func (p Publisher) Erase(ctx context.Context, t tenant.ID, d dataset.Dataset) error {
	var err error
	for range attempts {
		if err = p.erase(ctx, t, d); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return err
}

func (p Publisher) erase(ctx context.Context, t tenant.ID, d dataset.Dataset) error {
	tbl, err := p.open(ctx, t, d)
	if err != nil || tbl.at == "" || tbl.stale {
		return err
	}
	st, err := p.Manifest.Load(ctx, t, d.ID) // after the table: not older than what it shows
	if err != nil {
		return err
	}
	wanted := p.wanted(st)
	published, err := tbl.published(ctx)
	if err != nil {
		return err
	}
	// A snapshot even where nothing changes: whoever is about to publish an earlier version is overtaken.
	if err := tbl.commit(ctx, st, compare(wanted, published), math.MaxInt64); err != nil {
		return err
	}
	return p.Manifest.Hold(ctx, t, d.ID, keys(wanted), 0)
}
