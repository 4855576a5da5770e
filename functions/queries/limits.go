package queries

import (
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/limit"
)

// bounds are a tenant's limits, as they are read and set.
type bounds struct {
	Body struct {
		limit.Limits
		SpentUSD float64 `json:"spent_usd,omitempty" doc:"read only: what the questions of this month have cost, by the estimate; counted while month_usd is set"`
	}
}

func (d *Deps) limits(ctx context.Context, caller access.Principal, _ *struct{}) (*bounds, error) {
	out := &bounds{}
	var err error
	if out.Body.Limits, err = d.Limits.Get(ctx, caller.Tenant); err != nil || d.Limits.Meter == nil {
		return out, err
	}
	out.Body.SpentUSD, err = d.Limits.Meter.Spent(ctx, caller.Tenant)
	return out, err
}

func (d *Deps) setLimits(ctx context.Context, caller access.Principal, in *bounds) (*bounds, error) {
	in.Body.SpentUSD = 0
	return in, d.Limits.Put(ctx, caller.Tenant, in.Body.Limits)
}
