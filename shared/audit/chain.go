package audit

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// tenants is the partition with one item for each tenant that has a chain. No tenant's own
// partition is called so: theirs have '#' in the place of '/'.
const tenants = "audit/tenants"

func partition(t tenant.ID) string { return "audit#" + string(t) }

func payloads(t tenant.ID) string { return partition(t) + "#payloads" }

const entryPrefix = "entry#"

func entryKey(t tenant.ID, number uint64) table.Key {
	return table.Key{Partition: partition(t), Sort: fmt.Sprintf(entryPrefix+"%020d", number)}
}

func payloadKey(t tenant.ID, number uint64) table.Key {
	return table.Key{Partition: payloads(t), Sort: fmt.Sprintf("%020d", number)}
}

func headKey(t tenant.ID) table.Key { return table.Key{Partition: partition(t), Sort: "head"} }

// Head is the end of a chain. The zero Head is that of a chain without entries.
type Head struct {
	Number uint64 `json:"number"`
	Hash   Hash   `json:"hash"`
	time   time.Time
}

// head reads where a tenant's chain ends.
func (s *Store) head(ctx context.Context, t tenant.ID) (Head, error) {
	item, err := s.inner.Get(ctx, headKey(t))
	if fault.Is(err, fault.NotFound) {
		return Head{}, nil
	}
	if err != nil {
		return Head{}, err
	}
	number, err := strconv.ParseUint(item.Attributes["number"], 10, 64)
	if err != nil {
		return Head{}, fmt.Errorf("head of the audit log of %s: %w", t, err)
	}
	at, err := time.Parse(time.RFC3339Nano, item.Attributes["time"])
	if err != nil {
		return Head{}, fmt.Errorf("head of the audit log of %s: %w", t, err)
	}
	return Head{Number: number, Hash: Hash(item.Attributes["hash"]), time: at}, nil
}

// move is the write that makes next the head after h: of two writers, one moves it.
func (h Head) move(t tenant.ID, next Head) table.Write {
	still := table.Absent
	if h.Number > 0 {
		still = table.Equal("hash", string(h.Hash))
	}
	return table.Put(table.Item{Key: headKey(t), Attributes: map[string]string{
		"number": strconv.FormatUint(next.Number, 10), "hash": string(next.Hash), "time": next.time.Format(time.RFC3339Nano),
	}}).If(still)
}

// links are entries that follow a head, as they are to be written.
type links struct {
	writes []table.Write
	next   Head
}

// link makes entries of events.
func (h Head) link(t tenant.ID, now time.Time, missed int, events ...Event) links {
	out := links{next: h}
	if h.Number == 0 {
		out.writes = append(out.writes, table.Put(table.Item{Key: table.Key{Partition: tenants, Sort: string(t)}}))
	}
	at := now.UTC().Truncate(time.Microsecond)
	if at.Before(h.time) {
		at = h.time // another machine's clock is ahead
	}
	for i, e := range events {
		salt, text := rand.Text(), e.Payload.encode()
		entry := Entry{Format: format, Number: out.next.Number + 1, Time: at, By: e.By, Role: e.Role, Action: e.Action, Route: e.Route, On: e.On,
			Outcome: e.Outcome, Payload: commitment(salt, text), Before: string(out.next.Hash)}
		if e.Times > 1 {
			entry.Times = e.Times
		}
		if i == 0 {
			entry.Missed = missed
		}
		encoded := entry.encode()
		out.next = Head{Number: entry.Number, Hash: hashOf(encoded), time: at}
		out.writes = append(out.writes,
			table.Put(table.Item{Key: entryKey(t, entry.Number), Body: encoded}).If(table.Absent),
			table.Put(table.Item{Key: payloadKey(t, entry.Number), Attributes: map[string]string{"salt": salt}, Body: text}))
	}
	out.writes = append(out.writes, h.move(t, out.next))
	return out
}
