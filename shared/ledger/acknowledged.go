package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

const accepted = "accepted#"

func partition(t tenant.ID, d dataset.ID) string { return "ledger#" + string(t) + "#" + string(d) }

// Acknowledge says that a producer has acknowledged a total of n deliveries in an
// hour. The number is absolute: to write it again changes nothing.
func Acknowledge(t tenant.ID, d dataset.ID, a Account, n int64) table.Write {
	return table.Put(table.Item{
		Key:      table.Key{Partition: partition(t, d), Sort: fmt.Sprintf("%s%012d#%d", accepted, a.Hour, a.Producer)},
		Counters: map[string]int64{"acknowledged": n},
	})
}

// Acknowledged reads the left-hand side of a dataset's accounts.
func Acknowledged(ctx context.Context, tbl table.Table, t tenant.ID, d dataset.ID) (map[Account]int64, error) {
	out := map[Account]int64{}
	q := table.Query{Partition: partition(t, d), Prefix: accepted}
	for {
		page, err := tbl.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			a, err := parse(strings.TrimPrefix(item.Key.Sort, accepted))
			if err != nil {
				return nil, fmt.Errorf("ledger item %s: %w", item.Key.Sort, err)
			}
			out[a] = item.Counters["acknowledged"]
		}
		if q.Next = page.Next; q.Next == "" {
			return out, nil
		}
	}
}

func parse(text string) (Account, error) {
	hour, producer, _ := strings.Cut(text, "#")
	h, err := strconv.ParseInt(hour, 10, 64)
	if err != nil {
		return Account{}, err
	}
	p, err := strconv.ParseUint(producer, 10, 64)
	return Account{Hour: Hour(h), Producer: events.Producer(p)}, err
}

// Delete deletes all accounts of a dataset that was deleted, and returns how many.
func Delete(ctx context.Context, tbl table.Table, t tenant.ID, d dataset.ID) (int, error) {
	return table.Clear(ctx, tbl, partition(t, d))
}
