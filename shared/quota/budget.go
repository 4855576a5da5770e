package quota

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// The month's budget is a hard cap: each question that reads data writes what it will
// cost before it begins, so that neither processes nor restarts can spend a dollar
// twice.

const (
	spent       = "spent" // attribute: nanodollars
	spendTries  = 20
	budgetIsFor = 100 * 24 * time.Hour // an item is kept, from the beginning of its month
)

func monthOf(now time.Time) time.Time {
	y, m, _ := now.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

func monthKey(t tenant.ID, month time.Time) table.Key {
	return table.Key{Partition: "rates#" + string(t), Sort: "month/" + month.Format("2006-01")}
}

// Spent returns what the questions of the running month have cost, in dollars.
func (m *Meter) Spent(ctx context.Context, t tenant.ID) (float64, error) {
	n, _, err := m.spent(ctx, monthKey(t, monthOf(m.Now())))
	return float64(n) / 1e9, err
}

func (m *Meter) spent(ctx context.Context, key table.Key) (n int64, fresh bool, err error) {
	item, err := m.Table.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return 0, true, nil
	}
	if err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseInt(item.Attributes[spent], 10, 64)
	return n, false, err
}

// spend charges nanodollars to the month, or refuses.
func (m *Meter) spend(ctx context.Context, t tenant.ID, a *account, budget float64, n int64) error {
	a.month.Lock()
	defer a.month.Unlock()
	for range spendTries {
		now := m.Now()
		month := monthOf(now)
		key := monthKey(t, month)
		before, fresh, err := m.spent(ctx, key)
		if err != nil {
			return err
		}
		if limit := int64(budget * 1e9); n > limit-before {
			return overBudget(float64(n)/1e9, float64(max(0, limit-before))/1e9, budget, month.AddDate(0, 1, 0).Sub(now))
		}
		condition := table.Equal(spent, strconv.FormatInt(before, 10))
		if fresh {
			condition = table.Absent
		}
		err = m.Table.Commit(ctx, table.Put(table.Item{Key: key, Expires: month.Add(budgetIsFor),
			Attributes: map[string]string{spent: strconv.FormatInt(before+n, 10)}}).If(condition))
		if !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return fault.Wrap(fault.Unavailable, "budget_busy", errors.New("too many questions are charged at this moment"))
}

func overBudget(cost, left, budget float64, wait time.Duration) error {
	e := fault.New(fault.Throttled, "budget_spent", "answering this would cost about %.7f dollars; %.7f of this month's %.7f are left", cost, left, budget).
		WithHint("an admin raises month_usd by PUT /v1/limits; events are still taken, and answers that are kept are still given")
	e.RetryAfter = wait
	return e
}
