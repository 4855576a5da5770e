package tabletest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Conditions are tested on each verb: an adapter may well express them apart.
var conditions = map[string]func(*testing.T, table.Table){
	"Absent holds only when there is no item":  holds(table.Absent, map[string]bool{"none": true}),
	"Present holds only when there is an item": holds(table.Present, map[string]bool{"open": true, "shut": true, "bare": true}),
	"Equal holds when the attribute has the value": holds(table.Equal("state", "open"),
		map[string]bool{"open": true}),
	"an attribute that an item lacks equals the empty text": holds(table.Equal("state", ""),
		map[string]bool{"bare": true}),
	"no condition always holds": holds(table.Condition{}, map[string]bool{"none": true, "open": true, "shut": true, "bare": true}),
	"of two writers that expect the same item, one wins": func(t *testing.T, tbl table.Table) {
		claim := table.Put(table.Item{Key: table.Key{Partition: partition(), Sort: "s"}}).If(table.Absent)
		commit(t, tbl, claim)
		fails(t, tbl.Commit(t.Context(), claim), fault.Conflict)
	},
	"of many writers at once that expect the same item, one wins": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		var won atomic.Int32
		together(8, func(i int) {
			claim := table.Put(table.Item{Key: key, Attributes: map[string]string{"by": fmt.Sprint(i)}}).If(table.Absent)
			err := patiently(t, tbl, claim, table.Put(table.Item{Key: table.Key{Partition: key.Partition, Sort: fmt.Sprint(i)}}))
			switch {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.Conflict):
				t.Errorf("Commit: %v, want nil or Conflict", err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d writers won, want 1", won.Load())
		}
		page, err := tbl.List(t.Context(), table.Query{Partition: key.Partition})
		if err != nil || len(page.Items) != 2 {
			t.Errorf("List = %d items, %v, want the two of the winner", len(page.Items), err)
		}
	},
}

// holds returns a test that tries c, on each verb, on each of four states of an
// item, and expects success exactly where holding says so.
func holds(c table.Condition, holding map[string]bool) func(*testing.T, table.Table) {
	states := map[string]map[string]string{"open": {"state": "open"}, "shut": {"state": "shut"}, "bare": nil}
	return func(t *testing.T, tbl table.Table) {
		for _, state := range []string{"none", "open", "shut", "bare"} {
			for name, verb := range map[string]func(table.Key) table.Write{
				"put":    func(k table.Key) table.Write { return table.Put(table.Item{Key: k, Body: []byte("new")}) },
				"delete": table.Delete,
				"check":  func(k table.Key) table.Write { return table.Check(k, table.Condition{}) },
				"add":    func(k table.Key) table.Write { return table.Add(k, map[string]int64{"n": 1}, time.Time{}) },
			} {
				key := table.Key{Partition: partition(), Sort: "s"}
				if state != "none" {
					commit(t, tbl, table.Put(table.Item{Key: key, Attributes: states[state]}))
				}
				err := tbl.Commit(t.Context(), verb(key).If(c))
				if holding[state] != (err == nil) || err != nil && !fault.Is(err, fault.Conflict) {
					t.Errorf("%s on %s item: %v, want success %v", name, state, err, holding[state])
				}
			}
		}
	}
}

var commits = map[string]func(*testing.T, table.Table){
	"a commit whose condition fails changes nothing": func(t *testing.T, tbl table.Table) {
		p := partition()
		kept := table.Item{Key: table.Key{Partition: p, Sort: "kept"}, Body: []byte("old"), Counters: map[string]int64{"n": 1}}
		commit(t, tbl, table.Put(kept))
		other := table.Key{Partition: partition(), Sort: "other"}
		fails(t, tbl.Commit(t.Context(),
			table.Put(table.Item{Key: other}),
			table.Add(kept.Key, map[string]int64{"n": 1}, time.Time{}),
			table.Check(table.Key{Partition: p, Sort: "nothing"}, table.Present),
			table.Delete(table.Key{Partition: p, Sort: "more"}),
		), fault.Conflict)
		absent(t, tbl, other)
		same(t, get(t, tbl, kept.Key), kept)
	},
	"a commit applies all of its writes, over partitions": func(t *testing.T, tbl table.Table) {
		guard := table.Item{Key: table.Key{Partition: partition(), Sort: "guard"}, Attributes: map[string]string{"v": "1"}}
		old := table.Item{Key: table.Key{Partition: partition(), Sort: "old"}}
		commit(t, tbl, table.Put(guard), table.Put(old))
		fresh := table.Item{Key: table.Key{Partition: partition(), Sort: "new"}, Body: []byte("x")}
		sum := table.Key{Partition: partition(), Sort: "sum"}
		commit(t, tbl,
			table.Check(guard.Key, table.Equal("v", "1")),
			table.Put(fresh).If(table.Absent),
			table.Delete(old.Key).If(table.Present),
			table.Add(sum, map[string]int64{"n": 3}, time.Time{}),
		)
		same(t, get(t, tbl, guard.Key), guard)
		same(t, get(t, tbl, fresh.Key), fresh)
		absent(t, tbl, old.Key)
		same(t, get(t, tbl, sum), table.Item{Key: sum, Counters: map[string]int64{"n": 3}})
	},
	"a check changes nothing": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		commit(t, tbl, table.Check(key, table.Absent))
		absent(t, tbl, key)
	},
	"a commit that names a key twice is Invalid": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		fails(t, tbl.Commit(t.Context(), table.Put(table.Item{Key: key}), table.Check(key, table.Absent)), fault.Invalid)
		absent(t, tbl, key)
	},
	"after a commit every reader sees it": func(t *testing.T, tbl table.Table) {
		p := partition()
		for i := range int64(20) {
			key := table.Key{Partition: p, Sort: "s"}
			commit(t, tbl, table.Put(table.Item{Key: key, Counters: map[string]int64{"n": i}}))
			if got := get(t, tbl, key).Counters["n"]; got != i {
				t.Fatalf("Get after Commit shows %d, want %d", got, i)
			}
			page, err := tbl.List(t.Context(), table.Query{Partition: p})
			if err != nil || len(page.Items) != 1 || page.Items[0].Counters["n"] != i {
				t.Fatalf("List after Commit = %v, %v, want one item with n=%d", page.Items, err, i)
			}
		}
	},
}

var counters = map[string]func(*testing.T, table.Table){
	"an addition creates the item": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		commit(t, tbl, table.Add(key, map[string]int64{"a": 2, "b": -3}, time.Time{}))
		same(t, get(t, tbl, key), table.Item{Key: key, Counters: map[string]int64{"a": 2, "b": -3}})
	},
	"an addition leaves the rest of the item": func(t *testing.T, tbl table.Table) {
		item := table.Item{
			Key: table.Key{Partition: partition(), Sort: "s"}, Attributes: map[string]string{"a": "1"},
			Counters: map[string]int64{"n": 1, "m": 10}, Body: []byte("body"), Expires: time.Now().Add(time.Hour).Truncate(time.Second),
		}
		commit(t, tbl, table.Put(item))
		commit(t, tbl, table.Add(item.Key, map[string]int64{"n": 4, "new": 5}, time.Time{}))
		item.Counters = map[string]int64{"n": 5, "m": 10, "new": 5}
		same(t, get(t, tbl, item.Key), item)
	},
	"an addition sets the expiry that it is given": func(t *testing.T, tbl table.Table) {
		key := table.Key{Partition: partition(), Sort: "s"}
		commit(t, tbl, table.Put(table.Item{Key: key, Body: []byte("b")}))
		later := time.Now().Add(time.Hour).Truncate(time.Second)
		commit(t, tbl, table.Add(key, map[string]int64{"n": 1}, later))
		same(t, get(t, tbl, key), table.Item{Key: key, Body: []byte("b"), Counters: map[string]int64{"n": 1}, Expires: later})
	},
	"no concurrent addition is lost": func(t *testing.T, tbl table.Table) {
		p := partition()
		here, there := table.Key{Partition: p, Sort: "here"}, table.Key{Partition: p, Sort: "there"}
		together(8, func(int) {
			for range 5 {
				if err := patiently(t, tbl, table.Add(here, map[string]int64{"n": 1}, time.Time{}),
					table.Add(there, map[string]int64{"n": -1}, time.Time{})); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
		if h, th := get(t, tbl, here).Counters["n"], get(t, tbl, there).Counters["n"]; h != 40 || th != -40 {
			t.Errorf("counters are %d and %d, want 40 and -40", h, th)
		}
	},
}

// together runs f for 0 to n-1 at the same time and waits for all.
func together(n int, f func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// patiently commits again for as long as the table says that it was too busy to
// begin, which is known to have changed nothing.
func patiently(t *testing.T, tbl table.Table, writes ...table.Write) error {
	for {
		err := tbl.Commit(t.Context(), writes...)
		if !fault.Is(err, fault.Throttled) {
			return err
		}
	}
}
