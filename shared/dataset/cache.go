package dataset

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// CacheAge is how long a process that takes events may remember a catalog entry that
// another process deletes.
const CacheAge = 5 * time.Second

// Cache remembers catalog entries by name for a short while, so that a producer's
// request costs no read of the catalog. A dataset that was just deleted may take
// events for that long: they are passed over by the ingestor, with the dataset. Who
// deletes one must not say so before it is forgotten, by Forget or by age, or events
// that are sent to a new dataset of the name would go to the old one.
type Cache struct {
	Catalog Catalog
	MaxAge  time.Duration

	mu      sync.Mutex
	recent  map[owned]cached
	forgets int // calls of Forget
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
	forgets := c.forgets
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
	if c.forgets != forgets {
		return d, nil // what was read may be what was forgotten
	}
	if c.recent == nil || len(c.recent) >= maxCached {
		c.recent = map[owned]cached{}
	}
	c.recent[key] = cached{d, now}
	return d, nil
}

// Forget has the next Get of a name read the catalog.
func (c *Cache) Forget(t tenant.ID, n Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.recent, owned{t, n})
	c.forgets++
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
