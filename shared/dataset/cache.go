package dataset

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Cache remembers catalog entries by name for a short while, so that a producer's
// request costs no read of the catalog. A dataset that was just deleted may take
// events for that long: they are passed over by the ingestor, with the dataset.
type Cache struct {
	Catalog Catalog
	MaxAge  time.Duration

	mu     sync.Mutex
	recent map[owned]cached
}

type owned struct {
	tenant tenant.ID
	name   Name
}

type cached struct {
	dataset Dataset
	at      time.Time
}

// maxCached bounds the entries that are remembered.
const maxCached = 10_000

// Get returns the dataset with a name, or fault.NotFound, which is never remembered.
func (c *Cache) Get(ctx context.Context, t tenant.ID, n Name) (Dataset, error) {
	key, now := owned{t, n}, c.Catalog.Now()
	c.mu.Lock()
	hit, ok := c.recent[key]
	c.mu.Unlock()
	if ok && now.Sub(hit.at) < c.MaxAge {
		return hit.dataset, nil
	}
	d, err := c.Catalog.Get(ctx, t, n)
	if err != nil {
		return Dataset{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil || len(c.recent) >= maxCached {
		c.recent = map[owned]cached{}
	}
	c.recent[key] = cached{d, now}
	return d, nil
}

// GetOrCreate returns the events dataset with a name, making it on first use.
func (c *Cache) GetOrCreate(ctx context.Context, t tenant.ID, n Name) (Dataset, error) {
	d, err := c.Get(ctx, t, n)
	if !fault.Is(err, fault.NotFound) {
		return d, err
	}
	if _, err := c.Catalog.Create(ctx, t, Spec{Name: n, Kind: Events}); err != nil && !fault.Is(err, fault.Conflict) {
		return Dataset{}, err
	}
	return c.Get(ctx, t, n) // of two first users, both see the one that was made
}
