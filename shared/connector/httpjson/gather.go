package httpjson

import (
	"encoding/json"
	"fmt"
	"hash/maphash"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
)

// Bounds of a batch, and of the keys that a full read remembers.
const (
	batchRows  = 50_000
	batchBytes = 32 << 20 // of JSON
	maxKeys    = 5_000_000
)

// gather holds the items of some pages, which become a batch.
type gather struct {
	*pass
	most  int
	items []json.RawMessage
	bytes int
	bad   []load.Bad
	place map[[2]uint64]int // by key, among the items; -1: it went with a batch before
	seeds [2]maphash.Seed
	found bool // the cursor was met
}

func newGather(p *pass) gather {
	g := gather{pass: p, most: p.Rows, place: map[[2]uint64]int{}, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, found: p.at.Pass.Last != nil}
	if g.most == 0 {
		g.most = batchRows
	}
	return g
}

func (g *gather) full() bool { return len(g.items) >= g.most || g.bytes >= batchBytes }

func (g *gather) incremental() bool { return g.Table.Effective() == connector.Incremental }

// members are those of an item. Of one that is no object there are none.
type members map[string]json.RawMessage

// add gathers the items of a page. Those that are no objects are told apart by who reads
// the batch.
func (g *gather) add(items []json.RawMessage) error {
	if !g.incremental() && len(g.Table.Key) == 0 {
		for _, item := range items {
			g.append(item)
		}
		return nil
	}
	objects := false
	for _, item := range items {
		var m members
		_ = json.Unmarshal(item, &m) // fails for what is no object
		_, has := m[g.Table.Cursor]
		objects, g.found = objects || m != nil, g.found || has
		if err := g.one(item, m); err != nil {
			return err
		}
	}
	if g.incremental() && objects && !g.found {
		return fault.New(fault.Invalid, "unknown_column", "no item of %.80q has a member %.80q, which is the cursor", g.Table.Table, g.Table.Cursor).
			WithHint("GET …/tables lists the columns")
	}
	return nil
}

func (g *gather) append(item json.RawMessage) {
	g.items = append(g.items, item)
	g.bytes += len(item)
}

func (g *gather) one(item json.RawMessage, m members) error {
	if m == nil {
		g.append(item)
		return nil
	}
	if g.incremental() {
		if within, err := g.within(m); err != nil || !within {
			return err
		}
	}
	return g.keyed(item, m)
}

// within notes an item's cursor, and reports whether the item is of the pass. What an API
// is asked since a time is for it to decide; of one that cannot be asked so, older items
// are left out here. An item without a cursor is of every pass.
func (g *gather) within(m members) (bool, error) {
	value := m[g.Table.Cursor]
	if c := kindOf(value); c == 0 || c == 'n' {
		return true, nil
	}
	var asked since
	if g.listing.Since != nil {
		asked = *g.listing.Since
	}
	c, ok := parseCursor(value, asked.Format)
	if !ok {
		return false, badCursor("is neither a time of RFC 3339 nor a whole number")
	}
	course := g.at.Pass
	if asked.Param == "" && course.From.after(&c) {
		return false, nil
	}
	course.Last = latest(&c, course.Last)
	return true, nil
}

// keyed gathers an item that should have a key. Of those with one key the last in a batch
// counts, as with an upsert; of a full read, which upserts nothing, the first batch.
func (g *gather) keyed(item json.RawMessage, m members) error {
	key, ok := g.key(m)
	if !ok {
		g.bad = append(g.bad, load.Bad{Row: g.Table.Table, Code: "no_key", Reason: "a member that is part of the key is absent or null", Raw: item})
		return nil
	}
	at, met := g.place[key]
	switch {
	case !met:
		if len(g.place) >= maxKeys {
			return fault.New(fault.TooLarge, "too_many_rows", "a full read with a key has at most %d rows", maxKeys).WithHint("read the table incrementally")
		}
		g.place[key] = len(g.items)
		g.append(item)
	case at >= 0:
		g.bytes += len(item) - len(g.items[at])
		g.items[at] = item
	}
	return nil
}

// key returns the key of an item, by hashes whose seeds nobody can know: two keys are
// never taken for one.
func (g *gather) key(m members) (key [2]uint64, ok bool) {
	var b []byte
	for _, name := range g.Table.Key {
		value := []byte(m[name])
		if c := kindOf(value); c == 0 || c == 'n' {
			return key, false
		}
		if plain, ok := text(value); ok {
			value = []byte(plain)
		}
		b = fmt.Appendf(b, "%d:%s", len(value), value)
	}
	return [2]uint64{maphash.Bytes(g.seeds[0], b), maphash.Bytes(g.seeds[1], b)}, true
}

// clear begins another batch.
func (g *gather) clear() {
	g.items, g.bytes, g.bad = nil, 0, nil
	if g.incremental() {
		clear(g.place)
	}
	for key := range g.place {
		g.place[key] = -1
	}
}
