package enrich

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const tenantID tenant.ID = "acme"

// world is a stage in memory with a dataset of events and a table of customers.
type world struct {
	table          *fake.Table
	blobs          *frailBlobs
	now            time.Time
	enricher       *Enricher
	web, customers dataset.Dataset
	loads          int
}

// frailBlobs are blobs that can be away. They count what is read.
type frailBlobs struct {
	*fake.Blobs
	away error
	read int
}

func (b *frailBlobs) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b.read++
	if b.away != nil {
		return nil, b.away
	}
	return b.Blobs.Get(ctx, key, offset, length)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)}
	w.table, w.blobs = &fake.Table{Now: w.clock}, &frailBlobs{Blobs: &fake.Blobs{Now: w.clock}}
	w.enricher = New(&fieldrule.Salts{Secrets: &fake.Secrets{}}, w.table, w.blobs, w.clock)
	for name, d := range map[dataset.Name]*dataset.Dataset{"web": &w.web, "customers": &w.customers} {
		kind := dataset.Table
		if name == "web" {
			kind = dataset.Events
		}
		var err error
		if *d, err = w.enricher.Catalog.Create(t.Context(), tenantID, dataset.Spec{Name: name, Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) manifest() manifest.Store {
	return manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}
}

// enrich makes the next version of the list.
func (w *world) enrich(t testing.TB, steps string) {
	t.Helper()
	made, err := w.enricher.Catalog.Enrich(t.Context(), tenantID, "web", w.web.Enrichment, "owner", []byte(steps))
	if err != nil {
		t.Fatal(err)
	}
	w.web.Enrichment = made.Version
}

// customer is a row of the table: seats below zero are null.
type customer struct {
	id, plan string
	seats    int64
}

// load loads customers, as one segment.
func (w *world) load(t testing.TB, mode load.Mode, all ...customer) {
	t.Helper()
	w.loads++
	id, plan := rows.Column{Column: dataset.Column{Name: "id", Type: dataset.Text}}, rows.Column{Column: dataset.Column{Name: "plan", Type: dataset.Text}}
	seats := rows.Column{Column: dataset.Column{Name: "seats", Type: dataset.Int}, Null: make([]bool, len(all))}
	for i, c := range all {
		id.Bytes, plan.Bytes = append(id.Bytes, c.id...), append(plan.Bytes, c.plan...)
		id.Ends, plan.Ends = append(id.Ends, uint32(len(id.Bytes))), append(plan.Ends, uint32(len(plan.Bytes)))
		seats.Ints, seats.Null[i] = append(seats.Ints, max(c.seats, 0)), c.seats < 0
	}
	part := load.Part{Rows: rows.Batch{Columns: []rows.Column{id, plan, seats}, Len: len(all)}}
	p := load.Plan{ID: load.ID(fmt.Sprint(w.loads)), Mode: mode, Parts: func(yield func(load.Part, error) bool) { yield(part, nil) }}
	if mode == load.Upsert {
		p.Key = []string{"id"}
	}
	if _, err := (load.Loader{Manifest: w.manifest()}).Load(t.Context(), tenantID, w.customers, p); err != nil {
		t.Fatal(err)
	}
}

// store commits events as ingestion does, all in a segment.
func (w *world) store(t testing.TB, all ...events.Event) {
	t.Helper()
	st, err := w.manifest().Load(t.Context(), tenantID, w.web.ID)
	if err != nil {
		t.Fatal(err)
	}
	schema := st.Schema
	for i := range all {
		if s, changed, _ := rows.Resolve(schema, &all[i], dataset.Keep); changed {
			schema = s
		}
	}
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range all {
		b.Append(&all[i], w.now.UnixMicro())
	}
	w.loads++
	sequence := stream.Sequence(fmt.Sprint(w.loads))
	ref, err := segment.Write(t.Context(), w.blobs, segment.Origin{Tenant: tenantID, Dataset: w.web.ID, Shard: "s", From: sequence, Through: sequence}, b.View(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.manifest().Commit(t.Context(), tenantID, w.web.ID, st, manifest.Change{Commit: string(sequence), Add: []segment.Ref{ref}, Schema: schema}); err != nil {
		t.Fatal(err)
	}
}
