package load_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner tenant.ID = "main"

func loadKey(id load.ID) table.Key {
	return table.Key{Partition: checkpoint.Partition(owner, flights.ID), Sort: "load#" + string(id)}
}

var flights = dataset.Dataset{ID: "abcdefghijkl", Name: "flights", Kind: dataset.Table}

// world is the ports as they are whatever becomes of a process.
type world struct {
	table fake.Table
	blobs fake.Blobs
	now   time.Time
}

func newWorld() *world { return &world{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (w *world) manifest() manifest.Store {
	return manifest.Store{Table: &w.table, Blobs: &w.blobs, Now: func() time.Time { return w.now }}
}

func (w *world) loader() load.Loader { return load.Loader{Manifest: w.manifest()} }

func (w *world) append(t *testing.T, id load.ID, parts iter.Seq2[rows.Batch, error]) load.Loaded {
	t.Helper()
	loaded, err := w.loader().Load(t.Context(), owner, flights, appending(id, parts))
	if err != nil {
		t.Fatalf("load %s: %v", id, err)
	}
	return loaded
}

func appending(id load.ID, parts iter.Seq2[rows.Batch, error]) load.Plan {
	return load.Plan{ID: id, Mode: load.Append, Parts: load.Rows(parts)}
}

func (w *world) state(t *testing.T) manifest.State {
	t.Helper()
	st, err := w.manifest().Load(t.Context(), owner, flights.ID)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// check reads every live segment: the values of column n are want, and the ledger
// agrees with them.
func (w *world) check(t *testing.T, want ...int64) {
	t.Helper()
	st := w.state(t)
	var got []int64
	cache := segment.NewCache(&w.blobs, 1<<20)
	for _, ref := range st.Segments {
		batch, err := cache.ReadRows(t.Context(), ref)
		if err != nil {
			t.Fatalf("a live segment: %v", err)
		}
		got = append(got, batch.Columns[0].Ints...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	sum, _ := ledger.Balance(nil, st.Ledger)
	if n := int64(len(want)); sum.Accepted != n || sum.Stored != n || sum.Pending != 0 || st.Visible() != n-st.Ledger.Erased {
		t.Errorf("ledger %+v, %d visible, want %d", sum, st.Visible(), n)
	}
}

// sweep deletes what nobody can claim any more.
func (w *world) sweep(t *testing.T) {
	t.Helper()
	w.now = w.now.Add(time.Hour)
	if _, err := w.manifest().Sweep(t.Context(), owner, flights.ID, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// counted yields each list as a batch with one column n.
func counted(lists ...[]int64) iter.Seq2[rows.Batch, error] {
	return func(yield func(rows.Batch, error) bool) {
		for _, list := range lists {
			c := rows.Column{Column: dataset.Column{Name: "n", Type: dataset.Int}, Ints: list}
			if !yield(rows.Batch{Columns: []rows.Column{c}, Len: len(list)}, nil) {
				return
			}
		}
	}
}

// misfortune is what becomes of one call of a port.
type misfortune func(op func() error) error

var (
	errLost = fault.New(fault.Unavailable, "lost", "lost")
	refused = func(func() error) error { return errLost }
	lost    = func(op func() error) error { _ = op(); return errLost }
	dead    = func(func() error) error { panic(death{}) }
	dying   = func(op func() error) error { _ = op(); panic(death{}) }
)

// death is what a process panics with that ends there.
type death struct{}

// process is a loader whose call number at meets a misfortune.
type process struct {
	*world
	at   int
	what misfortune
	met  bool
}

func (p *process) call(op func() error) error {
	p.at--
	if p.at != -1 {
		return op()
	}
	p.met = true
	return p.what(op)
}

// append loads as a process does that may end meanwhile.
func (p *process) append(ctx context.Context, id load.ID, parts iter.Seq2[rows.Batch, error]) error {
	return p.load(ctx, appending(id, parts))
}

func (p *process) load(ctx context.Context, plan load.Plan) (err error) {
	defer func() {
		if r := recover(); r != nil && r != any(death{}) {
			panic(r)
		} else if r != nil {
			err = fmt.Errorf("the process ended")
		}
	}()
	store := manifest.Store{Table: faultyTable{&p.table, p}, Blobs: faultyBlobs{&p.blobs, p}, Now: func() time.Time { return p.now }}
	_, err = load.Loader{Manifest: store}.Load(ctx, owner, flights, plan)
	return err
}

type faultyTable struct {
	table.Table
	p *process
}

func (f faultyTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	err = f.p.call(func() error { item, err = f.Table.Get(ctx, key); return err })
	return item, err
}

func (f faultyTable) List(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = f.p.call(func() error { page, err = f.Table.List(ctx, q); return err })
	return page, err
}

func (f faultyTable) Commit(ctx context.Context, writes ...table.Write) error {
	return f.p.call(func() error { return f.Table.Commit(ctx, writes...) })
}

type faultyBlobs struct {
	blob.Store
	p *process
}

func (f faultyBlobs) Put(ctx context.Context, key string, body []byte) error {
	return f.p.call(func() error { return f.Store.Put(ctx, key, body) })
}

func (f faultyBlobs) Get(ctx context.Context, key string, offset, length int64) (r io.ReadCloser, err error) {
	err = f.p.call(func() error { r, err = f.Store.Get(ctx, key, offset, length); return err })
	return r, err
}
