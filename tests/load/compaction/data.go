package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/load/measure"
)

// day holds the time of every event.
var day = time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)

var shape = &events.Shape{Names: []string{"url", "revenue"}}

// fill makes the dataset in a new data folder, and commits segments to it as
// ingestion does.
func fill(ctx context.Context, dir string, segments, each int) (err error) {
	store, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	catalog := dataset.Catalog{Table: store.Table(), Now: time.Now}
	d, err := catalog.Create(ctx, server.Tenant, dataset.Spec{Name: measure.Dataset, Kind: dataset.Events})
	if err != nil {
		return err
	}
	m := manifest.Store{Table: store.Table(), Blobs: store.Blob(), Now: time.Now}
	r := rand.New(rand.NewPCG(1, 2))
	var st manifest.State
	for i := range segments {
		change := manifest.Change{Commit: fmt.Sprint("fill ", i), Ledger: ledger.Delta{Lines: []ledger.Line{{
			Account: ledger.Account{Hour: ledger.HourOf(day.UnixMicro())}, Counts: ledger.Counts{Stored: int64(each)}}}}}
		batch, schema := clicks(r, i*each, each)
		at := stream.Sequence(fmt.Sprint(i + 1))
		ref, err := segment.Write(ctx, store.Blob(), segment.Origin{Tenant: server.Tenant, Dataset: d.ID, Shard: "filled", From: at, Through: at}, batch, nil)
		if err != nil {
			return err
		}
		change.Add, change.Schema = []segment.Ref{ref}, schema
		if st, err = m.Commit(ctx, server.Tenant, d.ID, st, change); err != nil {
			return err
		}
	}
	return nil
}

// clicks makes events like those of package measure, as rows.
func clicks(r *rand.Rand, first, n int) (rows.Batch, dataset.Schema) {
	schema := dataset.Schema{Version: 1, Columns: []dataset.Column{{Name: "url", Type: dataset.Text}, {Name: "revenue", Type: dataset.Float}}}
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range n {
		page := r.Float64()
		at := day.Add(time.Duration(first+i) * 10 * time.Millisecond).UnixMicro()
		b.Append(&events.Event{
			ID:   fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.IntN(1<<16), r.Uint64()>>16),
			Name: []string{"page_viewed", "clicked", "bought"}[r.IntN(3)], Time: at, UserID: fmt.Sprint("u", r.IntN(50_000)), Shape: shape,
			Values: []events.Value{{Kind: events.Text, Text: fmt.Sprint("/p/", int(10_000*page*page))}, {Kind: events.Float, Float: float64(r.IntN(10_000)) / 100}},
		}, at)
	}
	return b.View(), schema
}

// merged waits until a server has merged its segments and tells of what is left.
func merged(ctx context.Context, t *measure.Tarn, dir string) error {
	var answer struct{ Stats struct{ Segments int } }
	for last, began := 0, time.Now(); ; time.Sleep(time.Second) {
		if err := t.Call(ctx, http.MethodPost, "/v1/query", map[string]any{"dataset": measure.Dataset, "measures": []string{"count"}}, &answer); err != nil {
			return err
		}
		if n := answer.Stats.Segments; n == last && n < 20 {
			fmt.Printf("merged to %d segments within %v\n", n, time.Since(began).Round(time.Second))
			return nil
		}
		last = answer.Stats.Segments
		if time.Since(began) > 2*time.Minute {
			return fmt.Errorf("%d segments are left; see %s", last, dir)
		}
	}
}

// mode is the variable that makes this program the server that it measures.
const (
	mode    = "TARN_COMPACTION"
	idle    = "idle"
	merging = "merging"
)
