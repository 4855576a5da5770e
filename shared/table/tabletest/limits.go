package tabletest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

var limits = map[string]func(*testing.T, table.Table){
	"the longest key is fine": func(t *testing.T, tbl table.Table) {
		p := partition()
		key := table.Key{Partition: p + strings.Repeat("p", 1024-len(p)), Sort: strings.Repeat("s", 900)}
		commit(t, tbl, table.Put(table.Item{Key: key}))
		get(t, tbl, key)
	},
	"a key that is empty or too long is Invalid": func(t *testing.T, tbl table.Table) {
		for name, key := range map[string]table.Key{
			"no partition":   {Sort: "s"},
			"no sort":        {Partition: partition()},
			"long partition": {Partition: strings.Repeat("p", 1025), Sort: "s"},
			"long sort":      {Partition: partition(), Sort: strings.Repeat("s", 901)},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := tbl.Get(t.Context(), key)
				fails(t, err, fault.Invalid)
				for _, w := range []table.Write{table.Put(table.Item{Key: key}), table.Delete(key), table.Check(key, table.Absent)} {
					fails(t, tbl.Commit(t.Context(), w), fault.Invalid)
				}
			})
		}
	},
	"MaxWrites writes are one commit, more are Invalid": func(t *testing.T, tbl table.Table) {
		p := partition()
		var writes []table.Write
		for i := range table.MaxWrites {
			writes = append(writes, table.Put(table.Item{Key: table.Key{Partition: p, Sort: fmt.Sprint(i)}}))
		}
		commit(t, tbl, writes...)
		if n := len(pages(t, tbl, table.Query{Partition: p})); n != table.MaxWrites {
			t.Errorf("%d items, want %d", n, table.MaxWrites)
		}
		extra := table.Key{Partition: p, Sort: "extra"}
		fails(t, tbl.Commit(t.Context(), append(writes, table.Put(table.Item{Key: extra}))...), fault.Invalid)
		absent(t, tbl, extra)
	},
	"an item of MaxItem bytes is fine, a larger one is Invalid": func(t *testing.T, tbl table.Table) {
		item := table.Item{Key: table.Key{Partition: partition(), Sort: "s"}, Attributes: map[string]string{"a": "1"}}
		rest := table.MaxItem - len(item.Key.Partition) - len(item.Key.Sort) - len("a") - len("1")
		item.Body = make([]byte, rest+1)
		fails(t, tbl.Commit(t.Context(), table.Put(item)), fault.Invalid)
		absent(t, tbl, item.Key)
		item.Body = item.Body[:rest]
		commit(t, tbl, table.Put(item))
		if got := get(t, tbl, item.Key); len(got.Body) != rest {
			t.Errorf("body of %d bytes, want %d", len(got.Body), rest)
		}
	},
	"a commit over MaxCommit bytes is Invalid": func(t *testing.T, tbl table.Table) {
		p := partition()
		var writes []table.Write
		for i := 0; i*(table.MaxItem-2000) <= table.MaxCommit; i++ {
			writes = append(writes, table.Put(table.Item{
				Key: table.Key{Partition: p, Sort: fmt.Sprint(i)}, Body: make([]byte, table.MaxItem-2000),
			}))
		}
		fails(t, tbl.Commit(t.Context(), writes...), fault.Invalid)
		if got := pages(t, tbl, table.Query{Partition: p}); len(got) > 0 {
			t.Errorf("items %q of a refused commit", got)
		}
		commit(t, tbl, writes[:9]...)
	},
	"a page of more than MaxPage items is Invalid": func(t *testing.T, tbl table.Table) {
		_, err := tbl.List(t.Context(), table.Query{Partition: partition(), Limit: table.MaxPage + 1})
		fails(t, err, fault.Invalid)
	},
}
