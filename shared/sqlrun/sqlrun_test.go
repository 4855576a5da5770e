package sqlrun_test

import (
	"context"
	"errors"
	"fmt"
	"github.com/tarnhq/tarn/shared/engine"
	"os"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestMain(m *testing.M) {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	os.Exit(m.Run())
}

// world is a runner over some datasets.
type world struct {
	*sqlrun.Runner
	store    blob.Store
	datasets map[dataset.Name]engine.Visible
}

func newWorld(t testing.TB, config sqlrun.Config) *world {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: &fake.Blobs{}, datasets: map[dataset.Name]engine.Visible{}}
	config.Program = program
	if config.Files, err = local.New(w.store, t.TempDir(), 1<<30); err != nil {
		t.Fatal(err)
	}
	if w.Runner, err = sqlrun.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func (w *world) open(_ context.Context, name dataset.Name) (engine.Visible, error) {
	over, has := w.datasets[name]
	if !has {
		return engine.Visible{}, fault.New(fault.NotFound, "dataset_not_found", "there is no dataset %q", name)
	}
	return over, nil
}

func (w *world) ask(ctx context.Context, sql string, values ...any) (query.Result, error) {
	s := engine.Statement{SQL: sql, Open: w.open}
	for i, v := range values {
		s.Parameters = append(s.Parameters, engine.Parameter{Name: fmt.Sprint(i + 1), Value: v})
	}
	return w.Run(ctx, s)
}

// events adds a dataset of n events of one minute each, half of them in a segment.
func (w *world) events(t testing.TB, name dataset.Name, n int) {
	t.Helper()
	var schema dataset.Schema
	event := func(i int) *events.Event {
		return &events.Event{ID: fmt.Sprint(i), Name: []string{"view", "buy"}[i%2], UserID: fmt.Sprint("u", i%10), Time: start.Add(time.Duration(i) * time.Minute).UnixMicro(),
			Shape: &events.Shape{Names: []string{"price", "URL", "url"}}, Values: []events.Value{{Kind: events.Int, Int: int64(i)}, {Kind: events.Text, Text: "/A"}, {Kind: events.Text, Text: "/a"}}}
	}
	schema, _, _ = rows.Resolve(schema, event(0), dataset.Keep)
	over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: dataset.ID("d" + name), Name: name, Kind: dataset.Events}, Schema: schema, Version: 7, Release: func() {}}
	sealed, tail := rows.NewBuilder(schema, dataset.Keep), rows.NewBuilder(schema, dataset.Keep)
	for i := range n {
		if i < n/2 {
			sealed.Append(event(i), 0)
		} else {
			tail.Append(event(i), 0)
		}
	}
	if n > 1 {
		ref, err := segment.Write(t.Context(), w.store, segment.Origin{Tenant: "t", Dataset: over.Dataset.ID, Shard: "s"}, sealed.View(), nil)
		if err != nil {
			t.Fatal(err)
		}
		over.Segments = []segment.Ref{ref}
	}
	over.Tail = []snapshot.Part{{ID: 1, Rows: tail.View()}}
	w.datasets[name] = engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func show(r query.Result) (out [][]string) {
	for _, row := range r.Rows {
		var texts []string
		for _, v := range row {
			texts = append(texts, v.String())
		}
		out = append(out, texts)
	}
	return out
}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}
