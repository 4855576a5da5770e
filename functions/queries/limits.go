package queries

import (
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/limit"
)

// bounds are a tenant's limits, as they are read and set.
type bounds struct{ Body limit.Limits }

func (d *Deps) limits(ctx context.Context, caller access.Principal, _ *struct{}) (*bounds, error) {
	l, err := d.Limits.Get(ctx, caller.Tenant)
	return &bounds{l}, err
}

func (d *Deps) setLimits(ctx context.Context, caller access.Principal, in *bounds) (*bounds, error) {
	return in, d.Limits.Put(ctx, caller.Tenant, in.Body)
}
