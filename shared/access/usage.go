package access

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Usage records in which hour each key was used last. Using a key costs no write: what
// is noted is written by Flush, once an hour for a key and a process. It must not be
// copied.
type Usage struct {
	Table table.Table
	Now   func() time.Time

	mu      sync.Mutex
	hour    time.Time
	written map[table.Key]bool // in this hour, or waiting to be
	waiting []table.Key
}

// maxNoted bounds what is remembered of an hour; keys past it are noted in the next.
const maxNoted = 100_000

func usageKey(t tenant.ID, id string) table.Key {
	return table.Key{Partition: "usage#" + string(t), Sort: id}
}

// note remembers that a key was used.
func (u *Usage) note(p Principal) {
	if u == nil {
		return
	}
	hour := u.Now().UTC().Truncate(time.Hour)
	u.mu.Lock()
	defer u.mu.Unlock()
	if !hour.Equal(u.hour) || u.written == nil {
		u.hour, u.written = hour, map[table.Key]bool{}
	}
	key := usageKey(p.Tenant, strings.TrimPrefix(p.ID, keyPrefix))
	if !u.written[key] && len(u.written) < maxNoted {
		u.written[key] = true
		u.waiting = append(u.waiting, key)
	}
}

// Flush writes what was noted. What it fails to write waits for the next time.
func (u *Usage) Flush(ctx context.Context) error {
	u.mu.Lock()
	keys, hour := u.waiting, u.hour
	u.waiting = nil
	u.mu.Unlock()
	for i := 0; i < len(keys); i += table.MaxWrites {
		part := keys[i:min(i+table.MaxWrites, len(keys))]
		writes := make([]table.Write, len(part))
		for n, key := range part {
			writes[n] = table.Put(table.Item{Key: key, Attributes: map[string]string{"hour": strconv.FormatInt(hour.Unix(), 10)}})
		}
		if err := u.Table.Commit(ctx, writes...); err != nil {
			u.mu.Lock()
			u.waiting = append(u.waiting, keys[i:]...)
			u.mu.Unlock()
			return err
		}
	}
	return nil
}

// Fill sets when keys, which are in the order of their ids, were used last.
func (u *Usage) Fill(ctx context.Context, owner tenant.ID, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	page, err := u.Table.List(ctx, table.Query{Partition: usageKey(owner, "-").Partition, From: keys[0].ID, Limit: len(keys)})
	if err != nil {
		return err
	}
	at := map[string]time.Time{}
	for _, item := range page.Items {
		seconds, _ := strconv.ParseInt(item.Attributes["hour"], 10, 64) // ours
		at[item.Key.Sort] = time.Unix(seconds, 0).UTC()
	}
	for i := range keys {
		keys[i].LastUsed = at[keys[i].ID]
	}
	return nil
}
