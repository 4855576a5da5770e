package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Accepted counts what this process acknowledged: the left-hand side of the ledger,
// apart from what the ingestor counts. Counts gather in memory; Flush writes the
// total of each account since the process began, so that writing it twice changes
// nothing. A crash loses what was not flushed of the count, and no event.
type Accepted struct {
	Table    table.Table
	Producer events.Producer
	Now      func() time.Time
	MaxAge   time.Duration // Add flushes what is older; zero: Run or the caller does. For a process that is frozen between requests
	Failed   func(error)   // told of flushes that failed; may be nil

	mu      sync.Mutex
	totals  map[account]*total
	newest  ledger.Hour
	flushed time.Time

	flushing sync.Mutex // one at a time, or an older total could overwrite a newer one
}

type account struct {
	tenant  tenant.ID
	dataset dataset.ID
	hour    ledger.Hour
}

type total struct{ now, written int64 }

// kept is how many hours an account stays in memory once it is written. No request
// lasts as long, so that no account starts again from zero.
const kept = 48

// Add counts n deliveries that are stored and about to be acknowledged.
func (a *Accepted) Add(ctx context.Context, t tenant.ID, d dataset.ID, arrived int64, n int) {
	key := account{t, d, ledger.HourOf(arrived)}
	a.mu.Lock()
	if a.totals == nil {
		a.totals, a.flushed = map[account]*total{}, a.Now()
	}
	sum := a.totals[key]
	if sum == nil {
		sum = &total{}
		a.totals[key] = sum
	}
	sum.now += int64(n)
	a.newest = max(a.newest, key.hour)
	due := a.MaxAge > 0 && a.Now().Sub(a.flushed) >= a.MaxAge
	a.mu.Unlock()
	if due {
		a.report(a.Flush(ctx))
	}
}

// Run flushes at each tick until the context ends, and then once more.
func (a *Accepted) Run(ctx context.Context, ticks <-chan time.Time) error {
	whole := context.WithoutCancel(ctx) // a flush that began is not cut short
	for {
		select {
		case <-ticks:
			a.report(a.Flush(whole))
		case <-ctx.Done():
			return a.Flush(whole)
		}
	}
}

func (a *Accepted) report(err error) {
	if err != nil && a.Failed != nil {
		a.Failed(err)
	}
}

// Flush writes the accounts that changed. What it fails to write it writes the next time.
func (a *Accepted) Flush(ctx context.Context) error {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	changed := a.changed()
	for part := range slices.Chunk(changed, table.MaxWrites) {
		writes := make([]table.Write, len(part))
		for i, c := range part {
			writes[i] = ledger.Acknowledge(c.tenant, c.dataset, ledger.Account{Hour: c.hour, Producer: a.Producer}, c.now)
		}
		if err := a.Table.Commit(ctx, writes...); err != nil {
			return fmt.Errorf("accepted counts: %w", err)
		}
		a.written(part)
	}
	return nil
}

type change struct {
	account
	now int64
}

// changed lists what is to be written, in order, and forgets old accounts.
func (a *Accepted) changed() []change {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flushed = a.Now()
	var out []change
	for key, sum := range a.totals {
		switch {
		case sum.now != sum.written:
			out = append(out, change{key, sum.now})
		case key.hour < a.newest-kept:
			delete(a.totals, key)
		}
	}
	slices.SortFunc(out, func(x, y change) int {
		return cmp.Or(cmp.Compare(x.tenant, y.tenant), cmp.Compare(x.dataset, y.dataset), cmp.Compare(x.hour, y.hour))
	})
	return out
}

func (a *Accepted) written(part []change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range part {
		a.totals[c.account].written = c.now
	}
}
