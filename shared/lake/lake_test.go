package lake

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner = "main"

// pointers are Pointers in memory.
type pointers struct {
	mu     sync.Mutex
	at     map[string]string
	before func() // a Swap
	lose   bool   // the answer of the next Swap
}

func (p *pointers) Current(_ context.Context, namespace, name string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	location, ok := p.at[namespace+"."+name]
	if !ok {
		return "", fault.New(fault.NotFound, "no_table", "no table")
	}
	return location, nil
}

func (p *pointers) Swap(_ context.Context, namespace, name, from, to string) error {
	if act := p.before; act != nil {
		p.before = nil
		act()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at[namespace+"."+name] != from {
		return fault.New(fault.Conflict, "moved", "moved")
	}
	p.at[namespace+"."+name] = to
	if p.lose {
		p.lose = false
		return fault.New(fault.Unavailable, "lost", "lost")
	}
	return nil
}

// world is a dataset that is filled, compacted and published.
type world struct {
	Publisher
	t       *testing.T
	now     time.Time
	files   *fake.Blobs
	at      *pointers
	dataset dataset.Dataset
	sealed  int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Now(), at: &pointers{at: map[string]string{}}, dataset: dataset.Dataset{ID: "d1", Name: "web", Kind: dataset.Events}}
	clock := func() time.Time { return w.now }
	w.files = &fake.Blobs{Now: clock}
	w.Publisher = Publisher{Manifest: manifest.Store{Table: &fake.Table{Now: clock}, Blobs: w.files, Now: clock}, Blobs: w.files, Pointers: w.at, Root: "mem://bucket/", Now: clock}
	return w
}

// seal commits a segment of events as ingestion does, with a property of a kind.
func (w *world) seal(n int, days int, value events.Value) {
	w.t.Helper()
	schema, _, _ := rows.Resolve(dataset.Schema{}, &events.Event{Shape: &events.Shape{Names: []string{"Price"}}, Values: []events.Value{value}}, dataset.Keep)
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range n {
		at := w.now.Add(-time.Duration(i%days) * 24 * time.Hour).UnixMicro()
		b.Append(&events.Event{ID: fmt.Sprint("e", w.sealed, "-", i), Name: "seen", Time: at, Shape: &events.Shape{Names: []string{"Price"}}, Values: []events.Value{value}}, w.now.UnixMicro())
	}
	w.sealed++
	at := stream.Sequence(fmt.Sprint(w.sealed))
	ref, err := segment.Write(w.t.Context(), w.Blobs, segment.Origin{Tenant: owner, Dataset: w.dataset.ID, Shard: "s", From: at, Through: at}, b.View(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.Manifest.Commit(w.t.Context(), owner, w.dataset.ID, manifest.State{}, manifest.Change{Commit: string(at), Add: []segment.Ref{ref}, Schema: schema}); err != nil {
		w.t.Fatal(err)
	}
}

// settle merges all there is.
func (w *world) settle() {
	w.t.Helper()
	w.now = w.now.Add(2 * time.Hour)
	c := compact.Compactor{Manifest: w.Manifest, Policy: compact.DefaultPolicy, Now: func() time.Time { return w.now }}
	c.Policy.Own = 2
	for {
		r, err := c.Step(w.t.Context(), owner, w.dataset.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Merges == 0 {
			return
		}
	}
}

func (w *world) publish() Report {
	w.t.Helper()
	r, err := w.Publish(w.t.Context(), owner, w.dataset)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// shown returns the rows that the table shows, and the table.
func (w *world) shown() (int64, *openTable) {
	w.t.Helper()
	tbl, err := w.open(w.t.Context(), owner, w.dataset)
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := tbl.published(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var n int64
	for _, f := range all {
		n += f.DataFile().Count()
	}
	return n, tbl
}

func (w *world) visible() int64 {
	st, err := w.Manifest.Load(w.t.Context(), owner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return st.Visible()
}

// checkShown checks that the table shows so many rows and returns it.
func (w *world) checkShown(want int64) *openTable {
	w.t.Helper()
	got, tbl := w.shown()
	if got != want || want != w.visible() {
		w.t.Errorf("the table shows %d rows of %d, want %d", got, w.visible(), want)
	}
	return tbl
}

func (w *world) sweep() {
	w.t.Helper()
	if _, err := w.Manifest.Sweep(w.t.Context(), owner, w.dataset.ID, time.Hour); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) segments() []blob.Info {
	page, err := w.files.List(w.t.Context(), segment.Prefix(owner, w.dataset.ID)+"rows/", "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Blobs
}

// readable checks that a table's files are there.
func (w *world) readable(tbl *openTable) {
	w.t.Helper()
	all, err := tbl.published(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for location := range all {
		if _, err := w.files.Stat(w.t.Context(), strings.TrimPrefix(location, w.Root)); err != nil {
			w.t.Errorf("%s: %v", location, err)
		}
	}
}
