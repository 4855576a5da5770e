package demo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tarnhq/tarn/functions/local/demo"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner = "main"

// world is a data folder and the folder of the npm package.
type world struct {
	table   fake.Table
	blobs   fake.Blobs
	stream  *fake.Stream
	starts  int
	dir     string
	said    bytes.Buffer
	dieAt   int // the call of a port at which the process ends; negative: none
	applied bool
	died    bool
}

func newWorld(t *testing.T) *world {
	w := &world{stream: fake.NewStream(2), dir: t.TempDir(), dieAt: -1}
	if err := os.Mkdir(filepath.Join(w.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, "flights-3m.parquet", flightsFile(t, flightNode()))
	w.write(t, "earthquakes.json", []byte(quakes))
	return w
}

func (w *world) write(t *testing.T, name string, body []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "data", name), body, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) catalog(tbl table.Table) dataset.Catalog {
	return dataset.Catalog{Table: tbl, Now: now}
}

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// start loads as a process does that may end meanwhile.
func (w *world) start(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r == any(death{}) {
			err = errors.New("the process ended")
		} else if r != nil {
			panic(r)
		}
	}()
	w.starts++
	tbl := faultyTable{&w.table, w}
	d := demo.Deps{
		Tenant: owner, Catalog: w.catalog(tbl),
		Loader:   load.Loader{Manifest: manifest.Store{Table: tbl, Blobs: faultyBlobs{&w.blobs, w}, Now: now}},
		Producer: ingest.NewProducer(ingest.Options{ID: 1<<32 + 1, Stream: faultyStream{w.stream, w}, Buckets: 2, Now: now}),
	}
	return demo.Load(ctx, d, w.dir, &w.said)
}

type death struct{}

func (w *world) call(op func() error) error {
	w.dieAt--
	if w.dieAt != -1 {
		return op()
	}
	w.died = true
	if w.applied {
		_ = op() // nobody is left to look at the outcome
	}
	panic(death{})
}

type faultyTable struct {
	table.Table
	w *world
}

func (f faultyTable) Commit(ctx context.Context, writes ...table.Write) error {
	return f.w.call(func() error { return f.Table.Commit(ctx, writes...) })
}

type faultyBlobs struct {
	blob.Store
	w *world
}

func (f faultyBlobs) Put(ctx context.Context, key string, body []byte) error {
	return f.w.call(func() error { return f.Store.Put(ctx, key, body) })
}

type faultyStream struct {
	stream.Stream
	w *world
}

func (f faultyStream) Put(ctx context.Context, entries []stream.Entry) (places []stream.Place, err error) {
	err = f.w.call(func() error { places, err = f.Stream.Put(ctx, entries); return err })
	return places, err
}

// open folds what is on the stream, and opens a dataset.
func (w *world) open(t *testing.T, name dataset.Name) snapshot.Snapshot {
	t.Helper()
	live := &tail.Live{Catalog: w.catalog(&w.table), Manifest: manifest.Store{Table: &w.table, Blobs: &w.blobs, Now: now},
		Segments: segment.NewCache(&w.blobs, 1<<20), Blobs: &w.blobs, Now: now}
	shards, err := w.stream.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards {
		records, _, err := w.stream.Read(t.Context(), shard.ID, "", 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := live.Fold(t.Context(), shard, records); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := live.Open(t.Context(), owner, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(snap.Release)
	return snap
}

// check asks for exactly the rows of the two files.
func (w *world) check(t *testing.T) {
	t.Helper()
	for name, want := range map[dataset.Name]int64{"flights": 5, "earthquakes": 2} {
		snap := w.open(t, name)
		sum, _ := ledger.Balance(nil, snap.Ledger())
		if snap.Visible() != want || sum.Stored != want || sum.Pending != 0 {
			t.Errorf("%s: %d rows, want %d; ledger %+v", name, snap.Visible(), want, sum)
		}
	}
}

// flightNode is the schema of the file of flights.
func flightNode() parquet.Group {
	return parquet.Group{
		"date":  parquet.Optional(parquet.TimestampAdjusted(parquet.Microsecond, false)),
		"delay": parquet.Optional(parquet.Int(64)), "distance": parquet.Optional(parquet.Int(64)),
		"origin": parquet.Optional(parquet.String()), "destination": parquet.Optional(parquet.String()),
	}
}

// flightsFile holds five flights in two row groups. One has no delay and no
// destination. (The writer takes zeros for nulls; there are none.)
func flightsFile(t *testing.T, node parquet.Group) []byte {
	t.Helper()
	var out bytes.Buffer
	schema := parquet.NewSchema("root", node)
	writer := parquet.NewGenericWriter[map[string]any](&out, schema)
	first := time.Date(2001, 1, 1, 0, 1, 0, 0, time.UTC)
	for i := range 5 {
		row := map[string]any{"date": first.AddDate(0, 0, i).UnixMicro(), "delay": int64(i - 7), "distance": int64(100 + i), "origin": fmt.Sprint("A", i), "destination": "LAS"}
		if i == 3 {
			row["delay"], row["destination"] = nil, nil
		}
		maps.DeleteFunc(row, func(name string, _ any) bool { return node[name] == nil })
		if node["delay"] != nil && node["delay"].Type().Kind() == parquet.ByteArray {
			row["delay"] = fmt.Sprint(row["delay"])
		}
		if _, err := writer.Write([]map[string]any{row}); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			if err := writer.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const quakes = `{"type": "FeatureCollection", "features": [
{"type": "Feature", "properties": {"mag": 2, "place": "4km W of Castaic, CA", "time": 1517966773840, "felt": null, "type": "earthquake", "detail": "…", "magType": "ml"},
 "geometry": {"type": "Point", "coordinates": [-118.6671667, 34.4945, 26.49]}, "id": "ci37868143"},
{"type": "Feature", "properties": {"mag": 1.6, "place": "2km E of San Marino, CA", "time": 1517966037750, "felt": 7, "type": "quarry blast", "magType": "ml"},
 "geometry": {"type": "Point", "coordinates": [-118, 34.1, 3]}, "id": "ci37868135"}]}`

// lines are what a person was told, without the empty ones.
func (w *world) lines() []string {
	return slices.DeleteFunc(strings.Split(w.said.String(), "\n"), func(s string) bool { return s == "" })
}
