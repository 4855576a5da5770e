package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// LeaseAge is how long leased tokens can be used. Over any time d all processes
// together use at most what a bucket allows in d + LeaseAge, however many they are:
// what is used within d was granted at most LeaseAge before.
const LeaseAge = time.Second

const (
	leaseTries = 8
	leaseShare = 8 // a lease ahead of need is at most this part of a quota
)

// lease is what this process may use of a shared bucket without asking.
type lease struct {
	left    int64
	granted int64
	until   int64  // Unix nanoseconds
	seen    bucket // as it was left in the table

	refused      int64 // so much and more is refused
	refusedUntil int64
}

// lease takes charges from what this process holds, and leases more where it must: a
// write for some requests, not for each.
func (m *Meter) lease(ctx context.Context, t tenant.ID, a *account, charges []charge) (Standing, error) {
	now := m.Now().UnixNano()
	var missing []charge
	var short refusal
	for _, c := range charges {
		l := a.leases[c.bucketName]
		if l.left < c.n || now >= l.until {
			missing = append(missing, c)
			if c.n >= l.refused && now < l.refusedUntil {
				short.add(c, time.Duration(l.refusedUntil-now))
			}
		}
	}
	if short.wait > 0 {
		return a.standing(charges), short.error()
	}
	if len(missing) > 0 {
		if err := m.renew(ctx, t, a, missing, now); err != nil {
			return a.standing(charges), err
		}
	}
	for _, c := range charges {
		l := a.leases[c.bucketName]
		l.left -= c.n
		a.leases[c.bucketName] = l
	}
	if len(a.leases) > maxBuckets {
		a.leases = map[bucketName]lease{} // what they held is lost, which is on the safe side
	}
	return a.standing(charges), nil
}

func (a *account) standing(charges []charge) Standing {
	s := make(Standing, len(charges))
	for i, c := range charges {
		l := a.leases[c.bucketName]
		l.seen.Level += l.left
		s[i] = quotaState{c, l.seen}
	}
	return s
}

// renew moves tokens from the table's buckets to this process, for all charges or none.
func (m *Meter) renew(ctx context.Context, t tenant.ID, a *account, charges []charge, now int64) error {
	for range leaseTries {
		tx := transfer{account: a, now: now}
		for _, c := range charges {
			if err := tx.move(ctx, m.Table, t, c); err != nil {
				return err
			}
		}
		if tx.short.wait > 0 {
			return tx.short.error()
		}
		writes, err := tx.writes()
		if err != nil {
			return err
		}
		if err := m.Table.Commit(ctx, writes...); err == nil {
			for name, l := range tx.leases {
				a.leases[name] = l
			}
			return nil
		} else if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	e := fault.New(fault.Throttled, "quota_busy", "too many callers use one limit at this moment; nothing of this request was done").WithHint("send it again in a second")
	e.RetryAfter = time.Second
	return e
}

// transfer is one attempt to lease.
type transfer struct {
	account *account
	now     int64
	items   []*sharedBuckets // of the tenant, of the caller
	leases  map[bucketName]lease
	short   refusal
}

// sharedBuckets is an item of the table: the buckets of one caller, or the tenant's.
type sharedBuckets struct {
	caller  string
	item    table.Item
	fresh   bool
	buckets map[string]bucket
	expires time.Time // when all are full again, and might as well not be there
}

func (x *transfer) move(ctx context.Context, tbl table.Table, t tenant.ID, c charge) error {
	from, err := x.open(ctx, tbl, t, c.caller)
	if err != nil {
		return err
	}
	held := x.account.leases[c.bucketName]
	ahead := held.ahead(c, x.now)
	if x.now >= held.until {
		held.left, held.until = 0, x.now+int64(LeaseAge)
	}
	b := from.buckets[c.of.String()].filled(c.rate, x.now)
	need := c.n - held.left
	if wait := b.wait(c.rate, need); wait > 0 {
		x.short.add(c, wait)
		held.seen, held.refused, held.refusedUntil = b, c.n, x.now+int64(min(wait, LeaseAge))
		x.account.leases[c.bucketName] = held
		return nil
	}
	b.Level -= need
	extra := max(0, min(ahead, b.Level))
	b.Level -= extra
	from.buckets[c.of.String()] = b
	from.outlive(time.Unix(0, x.now).Add(min(b.until(c.rate, c.quota), mostDebt)))
	if x.leases == nil {
		x.leases = map[bucketName]lease{}
	}
	x.leases[c.bucketName] = lease{left: held.left + need + extra, granted: need + extra, until: held.until, seen: b}
	return nil
}

// ahead is how much more than needed is worth leasing: as much as the last lease was
// used, and a quarter more where that was too little. Questions are few and dear:
// nothing is leased ahead for them.
func (l lease) ahead(c charge, now int64) int64 {
	if c.of != Requests && c.of != Events {
		return 0
	}
	used := l.granted - l.left
	if now < l.until {
		used = l.granted*5/4 + 1
	}
	return max(0, min(used, c.quota/leaseShare))
}

func (x *transfer) open(ctx context.Context, tbl table.Table, t tenant.ID, caller string) (*sharedBuckets, error) {
	for _, s := range x.items {
		if s.caller == caller {
			return s, nil
		}
	}
	key := table.Key{Partition: "rates#" + string(t), Sort: "tenant"}
	if caller != "" {
		key.Sort = "caller/" + caller
	}
	s := &sharedBuckets{caller: caller, buckets: map[string]bucket{}}
	item, err := tbl.Get(ctx, key)
	switch {
	case fault.Is(err, fault.NotFound):
		s.item, s.fresh = table.Item{Key: key}, true
	case err != nil:
		return nil, err
	default:
		s.item, s.expires = item, item.Expires
		if err := json.Unmarshal(item.Body, &s.buckets); err != nil {
			return nil, fmt.Errorf("rates of %s: %w", t, err)
		}
	}
	x.items = append(x.items, s)
	return s, nil
}

const version = "v" // attribute

func (x *transfer) writes() (all []table.Write, err error) {
	for _, s := range x.items {
		condition := table.Absent
		last := s.item.Attributes[version]
		if !s.fresh {
			condition = table.Equal(version, last)
		}
		n, _ := strconv.ParseUint(last, 10, 64) // none is 0
		body, err := json.Marshal(s.buckets)
		if err != nil {
			return nil, err
		}
		all = append(all, table.Put(table.Item{Key: s.item.Key, Body: body, Expires: s.expires,
			Attributes: map[string]string{version: strconv.FormatUint(n+1, 10)}}).If(condition))
	}
	return all, nil
}

// mostDebt is how long the table remembers what a bucket owes.
const mostDebt = 400 * 24 * time.Hour

// outlive keeps the item for an hour more, for clocks differ.
func (s *sharedBuckets) outlive(full time.Time) {
	if kept := full.Add(time.Hour); kept.After(s.expires) {
		s.expires = kept
	}
}
