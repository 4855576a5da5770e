package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

var claims = map[string]func(bench){
	"a value of every type is what it was": func(b bench) {
		table, want := b.Typed(b.T)
		c := b.connect(connector.Table{Table: table, Dataset: "typed"})
		b.Sync(b.T, c, false)
		for i := range want {
			want[i] = sorted(b.T, []byte(want[i]))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, b.Has(b.T, "typed")); diff != "" {
			b.Errorf("-want +got:\n%s", diff)
		}
	},
	"a null is a null, in every mode": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			b.Make(b.T, table.Table, 0)
			rows := items(3, func(i int) int { return i })
			rows[1].Name = ""
			b.Put(b.T, table.Table, rows...)
			b.Sync(b.T, b.connect(table), false)
			b.wants(table.Dataset, 0, rows...)
		})
	},
	"an empty table is an empty dataset, and is filled later": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			b.Make(b.T, table.Table, 0)
			c := b.connect(table)
			b.Sync(b.T, c, false)
			b.wants(table.Dataset, 0)
			b.Put(b.T, table.Table, item(1, 0))
			b.Sync(b.T, c, false)
			b.wants(table.Dataset, 0, item(1, 0))
		})
	},
	"wide rows are read whole": func(b bench) {
		const wide = 40
		b.in(func(b bench, table connector.Table) {
			b.Make(b.T, table.Table, wide)
			rows := items(6+24/stride(), func(i int) int { return i })
			for i := range rows {
				rows[i].Wide = strings.Repeat(string(rune('a'+i%26)), 10_000)
			}
			b.Put(b.T, table.Table, rows...)
			b.Sync(b.T, b.connect(table), false)
			b.wants(table.Dataset, wide, rows...)
		})
	},
	"rows with one cursor are not parted from each other by the end of a batch": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			b.Rows = 3
			b.Make(b.T, table.Table, 0)
			rows := items(23, func(i int) int { return i / 10 })
			b.Put(b.T, table.Table, rows...)
			b.Sync(b.T, b.connect(table), false)
			b.wants(table.Dataset, 0, rows...)
		})
	},
	"a row that was committed late is found within the window, and beyond it is not": func(b bench) {
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", item(1, 100))
		c := b.connect(b.following(incremental))
		b.Sync(b.T, c, false)
		b.Put(b.T, "things", item(2, 91), item(3, 89))
		b.Sync(b.T, c, false)
		if b.Files {
			b.wants("things", 0, item(1, 100), item(2, 91), item(3, 89))
			return
		}
		b.wants("things", 0, item(1, 100), item(2, 91))
	},
	"a change moves a row, and a sync that finds nothing new changes nothing": func(b bench) {
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", item(1, 0), item(2, 60))
		c := b.connect(b.following(incremental))
		b.Sync(b.T, c, false)
		moved := item(1, 120)
		moved.Name = "moved"
		b.Put(b.T, "things", moved)
		for range 3 {
			b.Sync(b.T, c, false)
			b.wants("things", 0, moved, item(2, 60))
		}
	},
	"rows without a key are appended once": func(b bench) {
		if b.Keyed {
			table := b.following(keyless)
			if err := b.Driver.Check(b.config(b.DSN(), table)); !fault.Is(err, fault.Invalid) {
				b.Errorf("an incremental table without a key: %v", err)
			}
			return
		}
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", item(1, 0), item(2, 1))
		c := b.connect(b.following(keyless))
		b.Sync(b.T, c, false)
		b.Put(b.T, "things", item(3, 2))
		for range 3 {
			b.Sync(b.T, c, false)
			b.wants("things", 0, item(1, 0), item(2, 1), item(3, 2))
		}
	},
	"what was deleted is gone where the source can tell, and after a full sync everywhere": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			b.Make(b.T, table.Table, 0)
			b.Put(b.T, table.Table, item(1, 0), item(2, 1))
			c := b.connect(table)
			b.Sync(b.T, c, false)
			b.Delete(b.T, table.Table, 1)
			if table.Effective() != connector.Incremental {
				b.Sync(b.T, c, false)
				b.wants(table.Dataset, 0, item(2, 1))
			}
			b.Sync(b.T, c, true)
			b.wants(table.Dataset, 0, item(2, 1))
		})
	},
	"a sync that is killed at any call ends in the same rows": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			atEveryCall(b, table, func(b bench, _ connector.Connector) { panic(death{}) })
		})
	},
	"a sync during which another is done, at any of its calls, ends in the same rows": func(b bench) {
		b.in(func(b bench, table connector.Table) {
			atEveryCall(b, table, func(b bench, c connector.Connector) { b.Sync(b.T, c, false) })
		})
	},
	"a sync whose connection breaks, after any number of bytes, ends in the same rows": func(b bench) {
		if b.Dialled != nil {
			b.in(breakEverywhere)
		}
	},
	"a reading that is cancelled ends": func(b bench) {
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", items(100, func(i int) int { return i })...)
		table := b.following(incremental)
		source := b.open(table)
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		var last error
		for _, err := range source.Read(ctx, connector.Read{Table: table, Rows: 1}) {
			cancel()
			last = err
		}
		if last == nil {
			b.Error("the reading went on")
		}
	},
	"a wrong password is refused with a reason": func(b bench) {
		spec := b.spec(full)
		spec.DSN = b.WrongPassword()
		c := b.Create(b.T, spec)
		Wants(b.T, b.Try(b.T, c, false), "source_refused")
	},
	"an address that is not public is not reached": func(b bench) {
		spec := b.spec(full)
		spec.Kind = guarded
		c := b.Create(b.T, spec)
		Wants(b.T, b.Try(b.T, c, false), "address_not_allowed")
	},
	"a table or a column that is not there is named": func(b bench) {
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", item(1, 0)) // some tell columns by their rows
		missing := incremental
		missing.Cursor = "changed_at"
		other := full
		other.Table, other.Dataset = "others", "others"
		c := b.connect(missing)
		Wants(b.T, b.Try(b.T, c, false), "unknown_column")
		c, err := b.Store().Update(b.Context(), Owner, c.Name, connector.Change{Tables: []connector.Table{other}})
		if err != nil {
			b.Fatal(err)
		}
		Wants(b.T, b.Try(b.T, c, false), "unknown_table")
	},
	"a table that cannot be read does not hold up the others": func(b bench) {
		b.Make(b.T, "things", 0)
		b.Put(b.T, "things", item(1, 0))
		other := full
		other.Table, other.Dataset = "others", "others"
		c := b.connect(other, full)
		Wants(b.T, b.Try(b.T, c, false), "unknown_table")
		b.wants("things", 0, item(1, 0))
	},
	"discovery shows columns, their types and the key": func(b bench) {
		b.Make(b.T, "things", 1)
		b.Put(b.T, "things", Item{ID: 1, At: noon, Name: "n1", Wide: "w"}) // some show of a table what its rows have
		told := full
		told.Key = []string{"id"} // or are told
		source := b.open(told)
		if err := source.Check(b.Context()); err != nil {
			b.Fatal(err)
		}
		all, err := source.Discover(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		at := slices.IndexFunc(all, func(r connector.Relation) bool { return strings.HasSuffix(r.Table, "things") })
		if at < 0 {
			b.Fatalf("no table things among %v", all)
		}
		got := map[string]dataset.Type{}
		for _, c := range all[at].Columns {
			got[c.Name] = c.Becomes
		}
		want := map[string]dataset.Type{b.id(): dataset.Int, "at": dataset.Time, "name": dataset.Text, "w0": dataset.Text}
		if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(all[at].Key, []string{b.id()}) {
			b.Errorf("key %v, columns -want +got:\n%s", all[at].Key, diff)
		}
	},
	"the password is in no item, and in no error": func(b bench) {
		b.Make(b.T, "things", 0)
		c := b.connect(full)
		b.Sync(b.T, c, false)
		wrong := b.spec(connector.Table{Table: "things", Dataset: "others"})
		wrong.Name, wrong.DSN = "wrong", b.WrongPassword()
		b.Try(b.T, b.Create(b.T, wrong), false)
		for _, item := range b.Table.Items() {
			if bytes.Contains(item.Body, []byte(b.Password())) {
				b.Errorf("item %v: %s", item.Key, item.Body)
			}
		}
		source, err := b.Driver.Open(b.Context(), b.config(b.WrongPassword(), full))
		if err == nil {
			defer source.Close()
			err = source.Check(b.Context())
		}
		if text := fmt.Sprintf("%v %+v", err, err); !fault.Is(err, fault.Invalid) || strings.Contains(text, b.Password()) {
			b.Errorf("opened with a wrong password: %s", text)
		}
	},
}

// atEveryCall syncs twice, with a change in between, once for every call of a port, at which
// something happens.
func atEveryCall(b bench, table connector.Table, happens func(bench, connector.Connector)) {
	name := table.Table
	for at := 1; ; at += stride() {
		table.Table = fmt.Sprintf("%s_%d", name, at)
		b := bench{T: b.T, World: NewWorld(b.Drivers), Origin: b.Origin, Suite: b.Suite}
		b.Rows = 2
		b.Make(b.T, table.Table, 0)
		b.Put(b.T, table.Table, items(5, func(i int) int { return 20 * i })...)
		c := b.connect(table)
		b.At(at, func() { happens(b, c) })
		b.Sync(b.T, c, false)
		changed := item(2, 200)
		changed.Name = "changed"
		want := []Item{item(1, 0), changed, item(3, 40), item(4, 60), item(5, 80), item(6, 220)}
		put := []Item{changed, item(6, 220)}
		if len(table.Key) == 0 && table.Effective() == connector.Incremental {
			if want = append(want, item(2, 20)); b.Files { // rows without a key only come
				want, put = slices.Delete(want, 1, 2), put[1:]
			}
		}
		b.Put(b.T, table.Table, put...)
		b.Sync(b.T, c, false)
		b.wants(table.Dataset, 0, want...)
		if !b.Struck() {
			return
		}
	}
}

// breakEverywhere syncs into a world of its own, once for every place at which the connection
// breaks.
func breakEverywhere(b bench, table connector.Table) {
	b.Make(b.T, table.Table, 0)
	rows := items(9, func(i int) int { return 60 * i })
	b.Put(b.T, table.Table, rows...)
	for after, whole := 20, false; !whole; after += 97 * stride() {
		wire := &Wire{Left: after}
		b := bench{T: b.T, World: NewWorld(connector.Drivers{b.Kind: b.Dialled(wire.Dial)}), Origin: b.Origin, Suite: b.Suite}
		b.Rows = 2
		c := b.connect(table)
		b.Sync(b.T, c, false)
		b.wants(table.Dataset, 0, rows...)
		whole = wire.Mend()
		b.release(c)
	}
}

// release drops what keeps changes, of which a server has room for few.
func (b bench) release(c connector.Connector) {
	b.Helper()
	source, err := b.Store().Open(b.Context(), Owner, c, b.Drivers)
	if err != nil {
		b.Fatal(err)
	}
	defer source.Close()
	if err := c.Release(b.Context(), source); err != nil {
		b.Fatal(err)
	}
}

// stride leaves out some calls where a short test is asked for.
func stride() int {
	if testing.Short() {
		return 19
	}
	return 1
}
