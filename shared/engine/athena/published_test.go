package athena_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/athena"
	"github.com/tarnhq/tarn/shared/fault"
	iceberg "github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner = "main"

// pointers are lake.Pointers of one table.
type pointers struct{ at string }

func (p *pointers) Current(context.Context, string, string) (string, error) {
	if p.at == "" {
		return "", fault.New(fault.NotFound, "no_table", "no table")
	}
	return p.at, nil
}

func (p *pointers) Swap(_ context.Context, _, _, _, to string) error {
	p.at = to
	return nil
}

// life is a dataset that is sealed, merged and published by those who do.
type life struct {
	iceberg.Publisher
	lake    *lake
	dataset dataset.Dataset
	schema  dataset.Schema
	now     time.Time
	sealed  int
}

func newLife(store *folder, l *lake, number int) *life {
	w := &life{lake: l, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), dataset: dataset.Dataset{ID: dataset.ID(fmt.Sprint("d", number)), Name: dataset.Name(fmt.Sprint("web", number)), Kind: dataset.Events}}
	clock := func() time.Time { return w.now }
	w.Publisher = iceberg.Publisher{Manifest: manifest.Store{Table: &fake.Table{Now: clock}, Blobs: store, Now: clock}, Blobs: store, Pointers: &pointers{}, Root: store.root, Now: clock}
	return w
}

// seal commits events whose price is whole or not.
func (w *life) seal(t *rapid.T) error {
	price := rapid.SampledFrom([]events.Value{{Kind: events.Int, Int: 7}, {Kind: events.Float, Float: 0.5}}).Draw(t, "price")
	shape := &events.Shape{Names: []string{"price"}}
	next, changed, _ := rows.Resolve(w.schema, &events.Event{Shape: shape, Values: []events.Value{price}}, dataset.Keep)
	if changed {
		w.schema = next
	}
	b := rows.NewBuilder(w.schema, dataset.Keep)
	for i := range rapid.IntRange(1, 8).Draw(t, "events") {
		at := w.now.Add(-time.Duration(i%3) * 24 * time.Hour)
		b.Append(&events.Event{ID: fmt.Sprint(w.sealed, "-", i), Name: "seen", UserID: fmt.Sprint("u", i), Time: at.UnixMicro(), Shape: shape, Values: []events.Value{price}}, w.now.UnixMicro())
	}
	w.sealed++
	at := stream.Sequence(fmt.Sprint(w.sealed))
	ref, err := segment.Write(t.Context(), w.Blobs, segment.Origin{Tenant: owner, Dataset: w.dataset.ID, Shard: "s", From: at, Through: at}, b.View(), nil)
	if err == nil {
		_, err = w.Manifest.Commit(t.Context(), owner, w.dataset.ID, manifest.State{}, manifest.Change{Commit: string(at), Add: []segment.Ref{ref}, Schema: w.schema})
	}
	return err
}

func (w *life) settle(ctx context.Context) error {
	w.now = w.now.Add(2 * time.Hour)
	c := compact.Compactor{Manifest: w.Manifest, Policy: compact.DefaultPolicy, Now: func() time.Time { return w.now }}
	c.Policy.Own = 2
	for {
		if r, err := c.Step(ctx, owner, w.dataset.ID); err != nil || r.Merges == 0 {
			return err
		}
	}
}

// Shown shows the table to the engine that is asked, too.
func (w *life) Shown(ctx context.Context, t tenant.ID, d dataset.Dataset, at time.Time) (shown.Table, error) {
	table, err := w.Publisher.Shown(ctx, t, d, at)
	if err == nil && table.Snapshot != 0 {
		table.Namespace = database
		w.lake.show(failing{&err}, d.ID, table)
	}
	return table, err
}

type failing struct{ err *error }

func (f failing) Fatal(args ...any) { *f.err = fmt.Errorf("%v", args) }

// TestAnswersAreTheSameWheneverRowsAreMergedAndPublished asks of tables that the
// publisher wrote, before and after each step.
func TestAnswersAreTheSameWheneverRowsAreMergedAndPublished(t *testing.T) {
	store, l, here := world(t)
	service, made := newService(l), 0
	rapid.Check(t, func(t *rapid.T) {
		made++
		w := newLife(store, l, made)
		for range rapid.IntRange(3, 10).Draw(t, "steps") {
			var err error
			switch rapid.SampledFrom([]string{"seal", "settle", "publish", "wait"}).Draw(t, "step") {
			case "seal":
				err = w.seal(t)
			case "settle":
				err = w.settle(t.Context())
			case "wait":
				w.now = w.now.Add(20 * time.Minute)
			case "publish":
				_, err = w.Publish(t.Context(), owner, w.dataset)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.ask(t, service, here)
		}
	})
	if service.asked.Load() == 0 {
		t.Error("no question was put to the service")
	}
}

// ask compares answers.
func (w *life) ask(t *rapid.T, s *service, here engine.Engine) {
	st, err := w.Manifest.Load(t.Context(), owner, w.dataset.ID)
	if err != nil {
		t.Fatal(err)
	}
	over := snapshot.OfState(w.dataset, st)
	for _, r := range []query.Request{
		{Measures: []query.Measure{{Op: query.Count}}},
		{Measures: []query.Measure{{Op: query.CountDistinct, Column: "event_id"}}, Dimensions: []query.Dimension{{Column: "user_id"}}},
		{Measures: []query.Measure{{Op: query.Count}, {Op: query.Max, Column: "time"}}, Time: &query.Time{Grain: "day", Zone: "Asia/Tokyo", From: "2026-02-28T00:00:00Z"}},
	} {
		program, err := query.Bind(r, query.Whole(dataset.Events, over.Schema), nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := engine.Answer(t.Context(), here, program, over)
		if err != nil {
			t.Fatal(err)
		}
		scaled := athena.New(athena.Config{Inner: here, Lake: w, Service: s, Rows: max(1, w.since(t, over)), Now: func() time.Time { return w.now }})
		got, err := engine.Answer(t.Context(), scaled, program, over)
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Unavailable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Rows, got.Rows, cmp.Comparer(func(a, b query.Value) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%+v (-here +scaled):\n%s", r, diff)
		}
	}
}

// since counts the rows that are not published.
func (w *life) since(t *rapid.T, over snapshot.Snapshot) (n int64) {
	table, err := w.Publisher.Shown(t.Context(), owner, w.dataset, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return unpublished(table, over)
}
