package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// memory is a table that holds items, and fails when told.
type memory struct {
	fake.Table
	commits int
	fail    error
	lose    bool // the answer of a commit that was applied
}

func newTable() *memory { return &memory{} }

func (m *memory) Commit(ctx context.Context, writes ...table.Write) error {
	m.commits++
	if m.fail != nil && !m.lose {
		return m.fail
	}
	if err := m.Table.Commit(ctx, writes...); err != nil {
		return err
	}
	return m.fail
}

func (m *memory) accounts(t *testing.T) map[ledger.Account]int64 {
	t.Helper()
	out, err := ledger.Acknowledged(t.Context(), &m.Table, "demo", "a1b2c3d4e5f6")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFlushWritesTotalsAndOnlyWhatChanged(t *testing.T) {
	tbl, clock := newTable(), &clock{now: time.UnixMicro(arrivedAt)}
	a := &Accepted{Table: tbl, Producer: 0xabc, Now: clock.Now}
	const hour = int64(time.Hour / time.Microsecond)
	add := func(arrived int64, n int) { a.Add(t.Context(), "demo", "a1b2c3d4e5f6", arrived, n) }
	flush := func() {
		t.Helper()
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	add(arrivedAt, 2)
	add(arrivedAt, 3)
	add(arrivedAt+hour, 1)
	a.Add(t.Context(), "other", "a1b2c3d4e5f6", arrivedAt, 7)
	flush()
	now := ledger.HourOf(arrivedAt)
	want := map[ledger.Account]int64{{Hour: now, Producer: 0xabc}: 5, {Hour: now + 1, Producer: 0xabc}: 1}
	if diff := cmp.Diff(want, tbl.accounts(t)); diff != "" {
		t.Error(diff)
	}
	flush()
	if tbl.commits != 1 {
		t.Errorf("%d commits, of which one was needed", tbl.commits)
	}
	add(arrivedAt, 1)
	tbl.fail = errors.New("away")
	if err := a.Flush(t.Context()); err == nil {
		t.Error("a failed flush is silent")
	}
	tbl.lose = true
	if err := a.Flush(t.Context()); err == nil {
		t.Error("a lost answer is silent")
	}
	tbl.fail = nil
	flush() // what was written and not confirmed is written again, and is the same
	want[ledger.Account{Hour: now, Producer: 0xabc}] = 6
	if diff := cmp.Diff(want, tbl.accounts(t)); diff != "" {
		t.Error(diff)
	}
}

func TestManyAccountsAreManyCommits(t *testing.T) {
	tbl := newTable()
	a := &Accepted{Table: tbl, Producer: 1, Now: time.Now}
	for i := range int64(2*table.MaxWrites + 1) {
		a.Add(t.Context(), "demo", "a1b2c3d4e5f6", arrivedAt+i*3600e6, 1)
	}
	if err := a.Flush(t.Context()); err != nil || tbl.commits != 3 || len(tbl.accounts(t)) != 2*table.MaxWrites+1 {
		t.Errorf("%v, %d commits of %d items", err, tbl.commits, len(tbl.accounts(t)))
	}
	if err := a.Flush(t.Context()); err != nil || len(a.totals) > kept+1 {
		t.Errorf("%v, %d accounts stay in memory", err, len(a.totals))
	}
}

func TestRunFlushesAtEachTickAndAtTheEnd(t *testing.T) {
	tbl := newTable()
	var failures []error
	a := &Accepted{Table: tbl, Producer: 1, Now: time.Now, Failed: func(err error) { failures = append(failures, err) }}
	ctx, cancel := context.WithCancel(t.Context())
	ticks, done := make(chan time.Time), make(chan error)
	go func() { done <- a.Run(ctx, ticks) }()
	a.Add(ctx, "demo", "a1b2c3d4e5f6", arrivedAt, 1)
	ticks <- time.Time{}
	ticks <- time.Time{} // taken once the first flush is done
	if tbl.commits != 1 {
		t.Errorf("%d commits after two ticks", tbl.commits)
	}
	a.Add(ctx, "demo", "a1b2c3d4e5f6", arrivedAt, 1)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := tbl.accounts(t)[ledger.Account{Hour: ledger.HourOf(arrivedAt), Producer: 1}]; got != 2 || len(failures) != 0 {
		t.Errorf("%d at the end, failures %v", got, failures)
	}
}

func TestAddFlushesWhatIsOlderThanMaxAge(t *testing.T) {
	tbl, clock := newTable(), &clock{now: time.UnixMicro(arrivedAt)}
	var failures []error
	a := &Accepted{Table: tbl, Producer: 1, Now: clock.Now, MaxAge: time.Second, Failed: func(err error) { failures = append(failures, err) }}
	add := func() { a.Add(t.Context(), "demo", "a1b2c3d4e5f6", arrivedAt, 1) }
	add()
	if tbl.commits != 0 {
		t.Error("flushed at once")
	}
	clock.Sleep(t.Context(), time.Second)
	add()
	add()
	if tbl.commits != 1 {
		t.Errorf("%d flushes in a second", tbl.commits)
	}
	clock.Sleep(t.Context(), time.Second)
	tbl.fail = errors.New("away")
	add()
	if len(failures) != 1 {
		t.Errorf("failures: %v", failures)
	}
}
