package sweeper

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// reserve of a deadline is kept to end the call under way and to note the place.
const reserve = 10 * time.Second

// early returns a context that ends some time before ctx does.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, has := ctx.Deadline(); has {
		return context.WithDeadline(ctx, deadline.Add(-reserve))
	}
	return context.WithCancel(ctx)
}

// place is a dataset in the order of a run: by tenant, and of a tenant the deleted
// ones before the others. The zero place precedes them all.
type place struct {
	tenant  tenant.ID
	dataset string
}

func (p place) follows(q place) bool {
	return p.tenant > q.tenant || p.tenant == q.tenant && p.dataset > q.dataset
}

var placeKey = table.Key{Partition: "sweep#place", Sort: "place"}

// place returns where the run before ran out of time: at or in that dataset.
func (s Sweeper) place(ctx context.Context) (place, error) {
	item, err := s.Manifest.Table.Get(ctx, placeKey)
	if fault.Is(err, fault.NotFound) {
		return place{}, nil
	}
	return place{tenant.ID(item.Attributes["tenant"]), item.Attributes["dataset"]}, err
}

// keep notes where the next run goes on, although ctx may have ended. A dataset that
// a run did not get through waits for its next turn, or it could hold up the others
// for ever.
func (s Sweeper) keep(ctx context.Context, p place) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserve/2)
	defer cancel()
	return s.Manifest.Table.Commit(ctx, table.Put(table.Item{Key: placeKey, Attributes: map[string]string{"tenant": string(p.tenant), "dataset": p.dataset}}))
}
