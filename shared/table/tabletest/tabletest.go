// Package tabletest holds the promises that every table.Table keeps. Each test
// works in partitions of its own, so that all of them can share one table with
// each other and with earlier runs.
package tabletest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Run tests the table that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) table.Table) {
	for _, group := range []map[string]func(*testing.T, table.Table){items, conditions, commits, counters, expiry, lists, limits} {
		for claim, test := range group {
			t.Run(claim, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

var items = map[string]func(*testing.T, table.Table){
	"an item that was put is returned whole": func(t *testing.T, tbl table.Table) {
		want := table.Item{
			Key:        table.Key{Partition: partition(), Sort: "s"},
			Attributes: map[string]string{"state": "open", "naïve": "ünïcode ✓"},
			Counters:   map[string]int64{"n": -7, "most": 1<<63 - 1, "least": -1 << 63},
			Body:       []byte("{\"a\":1}\x00\xff"),
			Expires:    time.Now().Add(time.Hour).Truncate(time.Second),
		}
		commit(t, tbl, table.Put(want))
		same(t, get(t, tbl, want.Key), want)
	},
	"an item may be no more than its key": func(t *testing.T, tbl table.Table) {
		want := table.Item{Key: table.Key{Partition: partition(), Sort: "s"}}
		commit(t, tbl, table.Put(want))
		got := get(t, tbl, want.Key)
		same(t, got, want)
		if !got.Expires.IsZero() {
			t.Errorf("Expires = %v, want the zero time", got.Expires)
		}
	},
	"an absent item is NotFound": func(t *testing.T, tbl table.Table) {
		absent(t, tbl, table.Key{Partition: partition(), Sort: "s"})
	},
	"a put replaces the whole item": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		commit(t, tbl, table.Put(table.Item{
			Key: key, Attributes: map[string]string{"a": "1"}, Counters: map[string]int64{"n": 1},
			Body: []byte("old"), Expires: time.Now().Add(time.Hour),
		}))
		want := table.Item{Key: key, Attributes: map[string]string{"b": "2"}}
		commit(t, tbl, table.Put(want))
		same(t, get(t, tbl, key), want)
	},
	"a deleted item is gone": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		commit(t, tbl, table.Put(table.Item{Key: key}))
		commit(t, tbl, table.Delete(key))
		absent(t, tbl, key)
	},
	"deleting an absent item is fine": func(t *testing.T, tbl table.Table) {
		commit(t, tbl, table.Delete(table.Key{Partition: partition(), Sort: "s"}))
	},
	"keys whose parts join to the same text are different": func(t *testing.T, tbl table.Table) {
		p := partition()
		one := table.Item{Key: table.Key{Partition: p + "a", Sort: "bc"}, Body: []byte("1")}
		two := table.Item{Key: table.Key{Partition: p + "ab", Sort: "c"}, Body: []byte("2")}
		commit(t, tbl, table.Put(one), table.Put(two))
		same(t, get(t, tbl, one.Key), one)
		same(t, get(t, tbl, two.Key), two)
	},
	"what a caller does to an item after the commit changes nothing": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		mine := table.Item{Key: key, Attributes: map[string]string{"a": "1"}, Body: []byte("body")}
		commit(t, tbl, table.Put(mine))
		mine.Attributes["a"], mine.Body[0] = "2", 'x'
		got := get(t, tbl, key)
		got.Attributes["a"], got.Body[0] = "3", 'y'
		same(t, get(t, tbl, key), table.Item{Key: key, Attributes: map[string]string{"a": "1"}, Body: []byte("body")})
	},
}

// partition returns a name that no other test uses.
func partition() string { return "test#" + rand.Text() }

func commit(t testing.TB, tbl table.Table, writes ...table.Write) {
	t.Helper()
	if err := tbl.Commit(t.Context(), writes...); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func get(t testing.TB, tbl table.Table, key table.Key) table.Item {
	t.Helper()
	item, err := tbl.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%v): %v", key, err)
	}
	return item
}

func absent(t testing.TB, tbl table.Table, key table.Key) {
	t.Helper()
	item, err := tbl.Get(t.Context(), key)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("Get(%v) = %v, %v, want NotFound", key, item, err)
	}
}

func fails(t testing.TB, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("error %v, want kind %v", err, want)
	}
}

func same(t testing.TB, got, want table.Item) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
}
