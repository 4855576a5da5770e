package ledger_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestBalance(t *testing.T) {
	a, b := ledger.Account{Hour: 1, Producer: 7}, ledger.Account{Hour: 2, Producer: 9}
	for claim, c := range map[string]struct {
		acknowledged map[ledger.Account]int64
		arrived      map[ledger.Account]ledger.Counts
		want         ledger.Row
	}{
		"what was acknowledged and has not arrived is pending": {
			map[ledger.Account]int64{a: 10}, map[ledger.Account]ledger.Counts{a: {Stored: 6, Duplicate: 1}},
			ledger.Row{Accepted: 10, Counts: ledger.Counts{Stored: 6, Duplicate: 1}, Pending: 3}},
		"what arrived and was never acknowledged was accepted all the same": {
			map[ledger.Account]int64{a: 2}, map[ledger.Account]ledger.Counts{a: {Stored: 5}},
			ledger.Row{Accepted: 5, Counts: ledger.Counts{Stored: 5}}},
		"a loss in one account does not hide behind a crash in another": {
			map[ledger.Account]int64{a: 10, b: 0}, map[ledger.Account]ledger.Counts{a: {Stored: 6}, b: {Stored: 4}},
			ledger.Row{Accepted: 14, Counts: ledger.Counts{Stored: 10}, Pending: 4}},
		"an account of which nothing arrived is pending whole": {
			map[ledger.Account]int64{a: 3}, nil, ledger.Row{Accepted: 3, Pending: 3}},
	} {
		t.Run(claim, func(t *testing.T) {
			got, hours := ledger.Balance(c.acknowledged, ledger.Totals{Lines: ledger.Lines(c.arrived)})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			var sum int64
			for _, r := range hours {
				sum += r.Accepted
				if r.Accepted != r.Arrived()+r.Pending {
					t.Errorf("an hour does not balance: %+v", r)
				}
			}
			if sum != c.want.Accepted {
				t.Errorf("hours add up to %d accepted, want %d", sum, c.want.Accepted)
			}
		})
	}
}

func TestAcknowledgedTotalsAreReadBack(t *testing.T) {
	tbl := &fake.Table{}
	want := map[ledger.Account]int64{}
	for i := range 1500 {
		a := ledger.Account{Hour: ledger.Hour(495_000 + i%7), Producer: events.Producer(math.MaxUint64 - uint64(i))}
		want[a] = int64(i)
		for _, n := range []int64{1, int64(i)} { // absolute: the last one counts
			if err := tbl.Commit(t.Context(), ledger.Acknowledge("main", "d1", a, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := ledger.Acknowledged(t.Context(), tbl, "main", "d1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
