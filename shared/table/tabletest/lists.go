package tabletest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

var expiry = map[string]func(*testing.T, table.Table){
	"an expired item is not returned": func(t *testing.T, tbl table.Table) {
		item := expired()
		commit(t, tbl, table.Put(item))
		absent(t, tbl, item.Key)
		page, err := tbl.List(t.Context(), table.Query{Partition: item.Key.Partition})
		if err != nil || len(page.Items) > 0 {
			t.Errorf("List = %v, %v, want nothing", page.Items, err)
		}
	},
	"an expired item counts as absent": func(t *testing.T, tbl table.Table) {
		item := expired()
		commit(t, tbl, table.Put(item))
		fails(t, tbl.Commit(t.Context(), table.Check(item.Key, table.Present)), fault.Conflict)
		fails(t, tbl.Commit(t.Context(), table.Check(item.Key, table.Equal("a", "1"))), fault.Conflict)
		item.Expires = time.Time{}
		commit(t, tbl, table.Put(item).If(table.Absent))
		same(t, get(t, tbl, item.Key), item)
	},
	"an addition to an expired item starts afresh": func(t *testing.T, tbl table.Table) {
		item := expired()
		commit(t, tbl, table.Put(item))
		later := time.Now().Add(time.Hour).Truncate(time.Second)
		commit(t, tbl, table.Add(item.Key, map[string]int64{"n": 1}, later))
		same(t, get(t, tbl, item.Key), table.Item{Key: item.Key, Counters: map[string]int64{"n": 1}, Expires: later})
	},
	"expired items do not end a listing early": func(t *testing.T, tbl table.Table) {
		p := partition()
		for i := range 6 {
			item := table.Item{Key: table.Key{Partition: p, Sort: fmt.Sprint(i)}}
			if i < 5 {
				item.Expires = time.Now().Add(-time.Hour)
			}
			commit(t, tbl, table.Put(item))
		}
		if got := pages(t, tbl, table.Query{Partition: p, Limit: 2}); len(got) != 1 || got[0] != "5" {
			t.Errorf("List = %q, want the item behind the expired ones", got)
		}
	},
}

func expired() table.Item {
	return table.Item{
		Key: table.Key{Partition: partition(), Sort: "s"}, Attributes: map[string]string{"a": "1"},
		Counters: map[string]int64{"n": 100}, Body: []byte("b"), Expires: time.Now().Add(-time.Hour).Truncate(time.Second),
	}
}

var lists = map[string]func(*testing.T, table.Table){
	"a partition that holds nothing lists nothing": func(t *testing.T, tbl table.Table) {
		page, err := tbl.List(t.Context(), table.Query{Partition: partition()})
		if err != nil || len(page.Items) > 0 || page.Next != "" {
			t.Errorf("List = %+v, %v, want an empty last page", page, err)
		}
	},
	"a listing returns whole items": func(t *testing.T, tbl table.Table) {
		want := table.Item{
			Key: table.Key{Partition: partition(), Sort: "s"}, Attributes: map[string]string{"a": "1"},
			Counters: map[string]int64{"n": 5}, Body: []byte("b"), Expires: time.Now().Add(time.Hour).Truncate(time.Second),
		}
		commit(t, tbl, table.Put(want))
		page, err := tbl.List(t.Context(), table.Query{Partition: want.Key.Partition})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("List = %v, %v, want one item", page.Items, err)
		}
		same(t, page.Items[0], want)
	},
	"a page holds MaxPage items unless told": func(t *testing.T, tbl table.Table) {
		p := partition()
		var want []string
		for n := 0; n < table.MaxPage+1; {
			var writes []table.Write
			for ; len(writes) < table.MaxWrites && n < table.MaxPage+1; n++ {
				sort := fmt.Sprintf("%04d", n)
				writes = append(writes, table.Put(table.Item{Key: table.Key{Partition: p, Sort: sort}}))
				want = append(want, sort)
			}
			commit(t, tbl, writes...)
		}
		page, err := tbl.List(t.Context(), table.Query{Partition: p})
		if err != nil || len(page.Items) != table.MaxPage || page.Next == "" {
			t.Errorf("first page: %d items, next %q, %v, want %d and a next", len(page.Items), page.Next, err, table.MaxPage)
		}
		if diff := gocmp.Diff(want, pages(t, tbl, table.Query{Partition: p})); diff != "" {
			t.Errorf("all pages (-want +got):\n%s", diff)
		}
	},
	"items that come and go between two pages do not disturb the others": func(t *testing.T, tbl table.Table) {
		p := partition()
		for _, sort := range []string{"b", "d", "f", "h"} {
			commit(t, tbl, table.Put(table.Item{Key: table.Key{Partition: p, Sort: sort}}))
		}
		page, err := tbl.List(t.Context(), table.Query{Partition: p, Limit: 2})
		if err != nil || len(page.Items) != 2 {
			t.Fatalf("List = %v, %v, want two items", page.Items, err)
		}
		commit(t, tbl, table.Delete(page.Items[1].Key), table.Put(table.Item{Key: table.Key{Partition: p, Sort: "a"}}))
		if got := pages(t, tbl, table.Query{Partition: p, Limit: 2, Next: page.Next}); !slices.Equal(got, []string{"f", "h"}) {
			t.Errorf("the rest = %q, want f and h", got)
		}
	},
	"any query returns what a scan of all items would": anyQuery,
}

// anyQuery compares queries with a scan over a partition whose keys are made from
// an alphabet where bytewise order differs from that of UTF-16 and of languages.
func anyQuery(t *testing.T, tbl table.Table) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("aZ#é\ufb01\U0001f600")), 1, 4, -1)
	p := partition()
	stored := rapid.SliceOfNDistinct(text, 60, 60, rapid.ID[string]).Example(1)
	for i := range stored {
		commit(t, tbl, table.Put(table.Item{Key: table.Key{Partition: p, Sort: stored[i]}}))
	}
	commit(t, tbl, table.Put(table.Item{Key: table.Key{Partition: p + "#", Sort: "a"}}))
	slices.SortFunc(stored, cmp.Compare)
	maybe := rapid.OneOf(rapid.Just(""), text)
	rapid.Check(t, func(r *rapid.T) {
		q := table.Query{
			Partition: p, Prefix: maybe.Draw(r, "prefix"), From: maybe.Draw(r, "from"),
			Reverse: rapid.Bool().Draw(r, "reverse"), Limit: rapid.IntRange(0, 30).Draw(r, "limit"),
		}
		if diff := gocmp.Diff(scan(stored, q), pages(t, tbl, q)); diff != "" {
			r.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
	})
}

// scan is the slow, obvious List.
func scan(sorted []string, q table.Query) []string {
	var found []string
	for _, sort := range sorted {
		inBounds := q.From == "" || sort >= q.From
		if q.Reverse {
			inBounds = q.From == "" || sort <= q.From
		}
		if inBounds && strings.HasPrefix(sort, q.Prefix) {
			found = append(found, sort)
		}
	}
	if q.Reverse {
		slices.Reverse(found)
	}
	return found
}

// pages returns the sort keys of all pages.
func pages(t testing.TB, tbl table.Table, q table.Query) []string {
	t.Helper()
	var sorts []string
	for {
		page, err := tbl.List(t.Context(), q)
		if err != nil {
			t.Fatalf("List(%+v): %v", q, err)
		}
		if q.Limit > 0 && len(page.Items) > q.Limit {
			t.Fatalf("List(%+v) returned %d items", q, len(page.Items))
		}
		for _, item := range page.Items {
			sorts = append(sorts, item.Key.Sort)
		}
		if page.Next == "" {
			return sorts
		}
		q.Next = page.Next
	}
}
