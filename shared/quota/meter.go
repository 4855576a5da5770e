package quota

import (
	"context"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Meter counts what callers use. There is one in a process; it must not be copied.
type Meter struct {
	Policies *Policies
	Now      func() time.Time
	Table    table.Table // holds what a month's questions cost
	Shared   bool        // other processes count as well: buckets are in the table, and tokens are leased from it

	mu       sync.Mutex
	accounts map[tenant.ID]*account
}

// NewMeter counts in a process that others may share a table with.
func NewMeter(t table.Table, now func() time.Time, shared bool) *Meter {
	return &Meter{Policies: &Policies{Table: t, Now: now}, Now: now, Table: t, Shared: shared}
}

// account is what this process knows of a tenant's use. Its locks are held while the
// table is asked: who comes next would ask the same.
type account struct {
	mu      sync.Mutex
	buckets map[bucketName]bucket // not Shared
	leases  map[bucketName]lease  // Shared

	month sync.Mutex // of the month's budget
}

// bucketName names a bucket of a tenant.
type bucketName struct {
	caller string // empty: the tenant's own
	of     Resource
}

func (n bucketName) String() string {
	if n.caller == "" {
		return "tenant-" + n.of.String()
	}
	return "caller-" + n.of.String()
}

// charge is an amount that is to be taken from a bucket.
type charge struct {
	bucketName
	rate
	n int64
}

// Take uses up what a caller is about to use, all of it or nothing. It answers
// fault.Throttled, with the time until it could succeed, where a quota is used up. The
// Standing tells how it is with every quota that was asked.
func (m *Meter) Take(ctx context.Context, t tenant.ID, caller string, use Use) (Standing, error) {
	policy, err := m.Policies.Recent(ctx, t)
	if err != nil {
		return nil, err
	}
	charges := policy.charges(caller, use)
	if len(charges) == 0 && (policy.MonthUSD == 0 || use[USD] == 0) {
		return nil, nil
	}
	a := m.account(t)
	standing, err := m.takeAll(ctx, t, a, charges)
	if err == nil && policy.MonthUSD > 0 && use[USD] > 0 {
		err = m.spend(ctx, t, a, policy.MonthUSD, use[USD])
	}
	return standing, err
}

func (m *Meter) takeAll(ctx context.Context, t tenant.ID, a *account, charges []charge) (Standing, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.Shared {
		return m.lease(ctx, t, a, charges)
	}
	return a.take(charges, m.Now().UnixNano())
}

func (m *Meter) account(t tenant.ID) *account {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts == nil {
		m.accounts = map[tenant.ID]*account{}
	}
	a := m.accounts[t]
	if a == nil {
		a = &account{buckets: map[bucketName]bucket{}, leases: map[bucketName]lease{}}
		m.accounts[t] = a
	}
	return a
}

// charges lists the buckets that a use is taken from.
func (p Policy) charges(caller string, use Use) (all []charge) {
	own := p.of(caller)
	for i, n := range use {
		of := Resource(i) // #nosec G115 -- resources are a handful
		if n <= 0 {
			continue
		}
		if r, ok := p.Tenant.rate(of); ok {
			all = append(all, charge{bucketName{"", of}, r, n})
		}
		if r, ok := own.rate(of); ok {
			all = append(all, charge{bucketName{caller, of}, r, n})
		}
	}
	return all
}

// maxBuckets bounds what a process remembers of a tenant's callers; past it buckets
// that are full again are forgotten, which changes nothing.
const maxBuckets = 10_000

func (a *account) take(charges []charge, now int64) (Standing, error) {
	standing := make(Standing, len(charges))
	var short refusal
	for i, c := range charges {
		b := a.buckets[c.bucketName].filled(c.rate, now)
		short.add(c, b.wait(c.rate, c.n))
		standing[i] = quotaState{c, b}
	}
	if short.wait > 0 {
		return standing, short.error()
	}
	for i, c := range charges {
		b := &standing[i].bucket
		b.Level -= c.n
		a.buckets[c.bucketName] = *b
	}
	if len(a.buckets) > maxBuckets {
		a.forget(now)
	}
	return standing, nil
}

// forget drops the buckets that nobody has used for as long as they take to fill.
func (a *account) forget(now int64) {
	for name, b := range a.buckets {
		if b.Level >= 0 && now-b.At >= b.Window {
			delete(a.buckets, name)
		}
	}
}

// refusal remembers the quota that will be the last to allow what is asked.
type refusal struct {
	charge
	wait time.Duration
}

func (r *refusal) add(c charge, wait time.Duration) {
	if wait > r.wait {
		r.charge, r.wait = c, wait
	}
}

func (r *refusal) error() error {
	whose := "the workspace's"
	if r.caller != "" {
		whose = "the caller's"
	}
	e := fault.New(fault.Throttled, "over_quota", "%s limit of %s is reached; nothing of this request was done", whose, r.of).
		WithHint("send it again after the seconds that Retry-After names; an admin sets the limits by PUT /v1/limits")
	e.RetryAfter = r.wait
	return e
}
