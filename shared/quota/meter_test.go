package quota_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const home tenant.ID = "main"

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}
func (c *clock) now() time.Time        { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) sleep(d time.Duration) { c.ns.Add(int64(d)) }

type checker interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func allow(t checker, tbl table.Table, p quota.Policy) {
	t.Helper()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := tbl.Commit(context.Background(), table.Put(table.Item{Key: quota.Place(home), Body: body})); err != nil {
		t.Fatal(err)
	}
}

func requests(n float64, seconds int64) quota.Rates {
	return quota.Rates{Requests: quota.Rate{Quota: n, Seconds: seconds}}
}

var one = quota.Use{quota.Requests: 1}

func TestConcurrentCallersNeverGetMoreThanTheBucketHolds(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared %v", shared), func(t *testing.T) {
			c := newClock()
			tbl := &fake.Table{Now: c.now}
			allow(t, tbl, quota.Policy{Tenant: requests(1000, 60), Key: requests(300, 60)})
			m := quota.NewMeter(tbl, c.now, shared)
			var got [5]atomic.Int64
			var wg sync.WaitGroup
			for g := range 20 {
				wg.Go(func() {
					for range 200 {
						if _, err := m.Take(t.Context(), home, fmt.Sprintf("key:%d", g%5), one); err == nil {
							got[g%5].Add(1)
						} else if !fault.Is(err, fault.Throttled) {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			total := int64(0)
			for key := range got {
				if n := got[key].Load(); n > 300 {
					t.Errorf("key %d got %d of 300", key, n)
				}
				total += got[key].Load()
			}
			if total > 1000 || !shared && total != 1000 {
				t.Errorf("all keys together got %d of 1000", total)
			}
		})
	}
}

func TestWhatOneQuotaRefusesIsTakenFromNoOther(t *testing.T) {
	for _, shared := range []bool{false, true} {
		c := newClock()
		tbl := &fake.Table{Now: c.now}
		allow(t, tbl, quota.Policy{Tenant: requests(10, 10), Callers: map[string]quota.Rates{"key:small": requests(1, 10)}})
		m := quota.NewMeter(tbl, c.now, shared)
		for range 30 {
			_, _ = m.Take(t.Context(), home, "key:small", one)
		}
		got := 0
		for range 30 {
			if _, err := m.Take(t.Context(), home, "key:other", one); err == nil {
				got++
			}
		}
		if got != 9 {
			t.Errorf("shared %v: the other key got %d of the workspace's 10, want the 9 that were left", shared, got)
		}
	}
}

func TestARefusalTellsWhenToComeAgain(t *testing.T) {
	for _, shared := range []bool{false, true} {
		c := newClock()
		tbl := &fake.Table{Now: c.now}
		allow(t, tbl, quota.Policy{Key: requests(2, 60)})
		m := quota.NewMeter(tbl, c.now, shared)
		for range 2 {
			if _, err := m.Take(t.Context(), home, "key:a", one); err != nil {
				t.Fatal(err)
			}
		}
		standing, err := m.Take(t.Context(), home, "key:a", one)
		refused, ok := err.(*fault.Error)
		if !ok || refused.Kind != fault.Throttled || refused.RetryAfter > 30*time.Second || refused.RetryAfter <= 0 {
			t.Fatalf("shared %v: %#v", shared, err)
		}
		h := http.Header{}
		standing.Headers(h)
		want := http.Header{"Ratelimit-Policy": {`"caller-requests";q=2;w=60`}, "Ratelimit": {`"caller-requests";r=0;t=60`}}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("shared %v: %s", shared, diff)
		}
		c.sleep(30 * time.Second)
		if _, err := m.Take(t.Context(), home, "key:a", one); err != nil {
			t.Errorf("shared %v: after the time it named: %v", shared, err)
		}
	}
}

func TestABatchLargerThanTheQuotaIsTakenOnceItIsFullAndPaidForAfter(t *testing.T) {
	for _, shared := range []bool{false, true} {
		c := newClock()
		tbl := &fake.Table{Now: c.now}
		allow(t, tbl, quota.Policy{Tenant: quota.Rates{Events: quota.Rate{Quota: 100, Seconds: 10}}})
		m := quota.NewMeter(tbl, c.now, shared)
		if _, err := m.Take(t.Context(), home, "key:a", quota.Use{quota.Events: 300}); err != nil {
			t.Fatal(err)
		}
		c.sleep(20 * time.Second)
		if _, err := m.Take(t.Context(), home, "key:a", quota.Use{quota.Events: 1}); err == nil {
			t.Errorf("shared %v: 300 events of 100 in 10 s were paid for in 20 s", shared)
		}
		c.sleep(101 * time.Millisecond)
		if _, err := m.Take(t.Context(), home, "key:a", quota.Use{quota.Events: 1}); err != nil {
			t.Errorf("shared %v: %v", shared, err)
		}
	}
}

// TestProcessesTogetherOvershootByWhatALeaseLasts lets processes that come and go take
// at random, and holds every span of time against the bound that docs/security.md states.
func TestProcessesTogetherOvershootByWhatALeaseLasts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		tbl := &fake.Table{Now: c.now}
		n, seconds := rapid.Int64Range(1, 200).Draw(t, "quota"), rapid.Int64Range(1, 30).Draw(t, "seconds")
		allow(t, tbl, quota.Policy{Tenant: requests(float64(n), seconds)})
		processes := make([]*quota.Meter, rapid.IntRange(1, 6).Draw(t, "processes"))
		for i := range processes {
			processes[i] = quota.NewMeter(tbl, c.now, true)
		}
		var taken []int64
		for range rapid.IntRange(10, 400).Draw(t, "steps") {
			c.sleep(time.Duration(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 1e7), rapid.Int64Range(0, 3e9)).Draw(t, "later")))
			p := rapid.IntRange(0, len(processes)-1).Draw(t, "process")
			if rapid.IntRange(0, 50).Draw(t, "dies") == 0 {
				processes[p] = quota.NewMeter(tbl, c.now, true)
			}
			if _, err := processes[p].Take(t.Context(), home, "key:a", one); err == nil {
				taken = append(taken, c.now().UnixNano())
			}
		}
		for from := range taken {
			for to := from; to < len(taken); to++ {
				span := time.Duration(taken[to]-taken[from]) + quota.LeaseAge
				most := float64(n) + float64(n)*span.Seconds()/float64(seconds)
				if got := to - from + 1; float64(got) > most {
					t.Fatalf("%d in %s, at most %.1f", got, span-quota.LeaseAge, most)
				}
			}
		}
	})
}

func TestABusyProcessWritesFarLessOftenThanItServes(t *testing.T) {
	c := newClock()
	tbl := &writes{Table: &fake.Table{Now: c.now}}
	allow(t, tbl, quota.Policy{Tenant: requests(60_000, 60), Key: requests(60_000, 60)})
	m := quota.NewMeter(tbl, c.now, true)
	tbl.n = 0
	for i := range 5000 {
		if _, err := m.Take(t.Context(), home, "key:a", one); err != nil {
			t.Fatal(i, err)
		}
		c.sleep(2 * time.Millisecond)
	}
	if tbl.n > 100 {
		t.Errorf("%d writes for 5,000 requests in 10 s", tbl.n)
	}
}

func TestTheMonthsBudgetIsNeverOverspentAndBeginsAnew(t *testing.T) {
	c := newClock()
	tbl := &fake.Table{Now: c.now}
	allow(t, tbl, quota.Policy{MonthUSD: 1})
	processes := []*quota.Meter{quota.NewMeter(tbl, c.now, true), quota.NewMeter(tbl, c.now, true), quota.NewMeter(tbl, c.now, false)}
	var paid atomic.Int64
	var wg sync.WaitGroup
	for g := range 12 {
		wg.Go(func() {
			for range 10 {
				switch _, err := processes[g%3].Take(t.Context(), home, "user:a", quota.Use{quota.USD: quota.Nanodollars(0.03)}); {
				case err == nil:
					paid.Add(1)
				case !fault.Is(err, fault.Throttled) && !fault.Is(err, fault.Unavailable):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := paid.Load(); got != 33 {
		t.Errorf("%d questions of 3 cents were paid from a dollar", got)
	}
	_, err := processes[0].Take(t.Context(), home, "user:a", quota.Use{quota.USD: quota.Nanodollars(0.03)})
	if refused, ok := err.(*fault.Error); !ok || refused.Code != "budget_spent" || refused.RetryAfter != 12*time.Hour {
		t.Errorf("a question past the budget, at noon of a month's last day: %#v", err)
	}
	if _, err := processes[0].Take(t.Context(), home, "key:a", quota.Use{quota.Requests: 1, quota.Events: 1000}); err != nil {
		t.Errorf("events past the budget: %v", err)
	}
	c.sleep(12 * time.Hour)
	if _, err := processes[1].Take(t.Context(), home, "user:a", quota.Use{quota.USD: quota.Nanodollars(1)}); err != nil {
		t.Errorf("a question of the next month: %v", err)
	}
	if got, err := processes[2].Spent(t.Context(), home); got != 1 || err != nil {
		t.Errorf("%v dollars are said to be spent: %v", got, err)
	}
}

func TestALimitThatCannotBeKeptIsRefused(t *testing.T) {
	for name, p := range map[string]quota.Policy{
		"less than one":       {Tenant: requests(0.5, 60)},
		"below nothing":       {User: requests(-1, 60)},
		"no time":             {Key: requests(1, 0)},
		"more than a month":   {Tenant: requests(1, 3_000_000)},
		"more than any":       {Tenant: requests(1e16, 1)},
		"of a single caller":  {Callers: map[string]quota.Rates{"key:a": requests(0, 60)}},
		"a budget below zero": {MonthUSD: -1},
	} {
		if err := p.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// writes counts commits.
type writes struct {
	table.Table
	n int
}

func (w *writes) Commit(ctx context.Context, all ...table.Write) error {
	w.n++
	return w.Table.Commit(ctx, all...)
}
