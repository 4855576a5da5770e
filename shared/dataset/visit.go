package dataset

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/tenant"
)

// turn is a dataset and whose it is.
type turn struct {
	tenant tenant.ID
	Dataset
}

// reserve of a deadline is kept for who visits to end in order.
const reserve = 5 * time.Second

// Visit calls do for every dataset of every tenant, in the order that shuffle makes:
// another one each time, or one that takes long would keep those behind it waiting for
// ever. What fails does not keep the others from their turn; the error tells of the
// first. When ctx ends, or a little before its deadline, Visit returns, and more says that
// some had no turn.
func (c Catalog) Visit(ctx context.Context, shuffle func(n int, swap func(i, j int)), do func(context.Context, tenant.ID, Dataset) error) (failed int, more bool, err error) {
	if deadline, has := ctx.Deadline(); has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	all, err := c.everyone(ctx)
	if ctx.Err() != nil {
		return 0, true, nil
	}
	if err != nil {
		return 0, false, err
	}
	shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, d := range all {
		one := do(ctx, d.tenant, d.Dataset)
		if ctx.Err() != nil {
			return failed, true, err
		}
		if one != nil {
			failed++
			err = cmp.Or(err, fmt.Errorf("dataset %s: %w", d.ID, one))
		}
	}
	return failed, false, err
}

func (c Catalog) everyone(ctx context.Context) (all []turn, err error) {
	for tenants := ""; ; {
		page, more, err := c.Tenants(ctx, tenants)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			if all, err = c.of(ctx, t, all); err != nil {
				return nil, err
			}
		}
		if tenants = more; tenants == "" {
			return all, nil
		}
	}
}

func (c Catalog) of(ctx context.Context, t tenant.ID, all []turn) ([]turn, error) {
	for next := ""; ; {
		page, more, err := c.List(ctx, t, next, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			all = append(all, turn{t, d})
		}
		if next = more; next == "" {
			return all, nil
		}
	}
}
