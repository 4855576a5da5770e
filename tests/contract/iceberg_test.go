package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/oracle"
)

// lakeWorld is a dataset in a data folder, whose files are served for readers that
// know nothing of Tarn.
type lakeWorld struct {
	t         *testing.T
	now       time.Time
	publisher lake.Publisher
	dataset   dataset.Dataset
	sent      map[string]lakeRow // what must be read, by event id
	sealed    int
}

// lakeRow is a row as it was sent.
type lakeRow struct {
	Event, Time, User, URL string
	Price                  float64
}

// lakeLine is a row as the reader tells it: an id has one of two columns, by its form,
// and a price one of two, by the type that its file has.
type lakeLine struct {
	ID    string   `json:"event_id"`
	UUID  string   `json:"event_uuid"`
	Event string   `json:"event"`
	Time  string   `json:"time"`
	User  string   `json:"user_id"`
	URL   string   `json:"p___55__52__4c"`
	Whole *int64   `json:"p_price"`
	Other *float64 `json:"p_price__float"`
}

func (l lakeLine) row(t *testing.T) lakeRow {
	row := lakeRow{Event: l.Event, Time: l.Time, User: l.User, URL: l.URL}
	switch {
	case l.Whole != nil && l.Other == nil:
		row.Price = float64(*l.Whole)
	case l.Whole == nil && l.Other != nil:
		row.Price = *l.Other
	default:
		t.Errorf("event %s%s has prices %v and %v", l.ID, l.UUID, l.Whole, l.Other)
	}
	return row
}

const lakeOwner = "main"

func newLakeWorld(t *testing.T) *lakeWorld {
	oracle.RequireModule(t, "the reader of Iceberg", "icebird")
	dir := t.TempDir()
	store, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tables, err := embedded.OpenPointers(filepath.Join(dir, "iceberg.db"))
	if err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.FileServer(http.Dir(store.Blob().Folder())))
	t.Cleanup(func() {
		files.Close()
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &lakeWorld{t: t, now: time.Now().Truncate(time.Millisecond), dataset: dataset.Dataset{ID: "d1", Name: "web", Kind: dataset.Events}, sent: map[string]lakeRow{}}
	clock := func() time.Time { return w.now }
	w.publisher = lake.Publisher{Manifest: manifest.Store{Table: store.Table(), Blobs: store.Blob(), Now: clock},
		Blobs: store.Blob(), Pointers: tables, Root: files.URL + "/", Now: clock}
	return w
}

// seal stores events as ingestion does: with UUIDs as ids or others, with prices that
// are whole or not, of one day or of several.
func (w *lakeWorld) seal(n, days int, uuids, whole bool) {
	w.t.Helper()
	shape := &events.Shape{Names: []string{"price", "URL"}}
	var all []events.Event
	for i := range n {
		k := len(w.sent)
		e := events.Event{ID: fmt.Sprint("e", k), Name: []string{"seen", "bought"}[k%2], UserID: fmt.Sprint("u", k%5), Shape: shape,
			Time: w.now.Add(-time.Duration(i%days)*24*time.Hour - time.Duration(k)*time.Millisecond).UnixMicro()}
		row := lakeRow{Event: e.Name, User: e.UserID, Time: time.UnixMicro(e.Time).UTC().Format("2006-01-02T15:04:05.000Z"), URL: "/p/" + strconv.Itoa(k)}
		price := events.Value{Kind: events.Int, Int: int64(k)}
		if row.Price = float64(k); !whole {
			row.Price += 0.25
			price = events.Value{Kind: events.Float, Float: row.Price}
		}
		if uuids {
			e.ID = fmt.Sprintf("0f8fad5b-d9cb-469f-a165-%012x", k)
		}
		e.Values = []events.Value{price, {Kind: events.Text, Text: row.URL}}
		all, w.sent[e.ID] = append(all, e), row
	}
	w.commit(all)
}

func (w *lakeWorld) commit(all []events.Event) {
	w.t.Helper()
	schema, _, _ := rows.Resolve(dataset.Schema{}, &all[0], dataset.Keep)
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range all {
		b.Append(&all[i], w.now.UnixMicro())
	}
	w.sealed++
	at := stream.Sequence(strconv.Itoa(w.sealed))
	ref, err := segment.Write(w.t.Context(), w.publisher.Blobs, segment.Origin{Tenant: lakeOwner, Dataset: w.dataset.ID, Shard: "s", From: at, Through: at}, b.View(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.swap(manifest.Change{Commit: string(at), Add: []segment.Ref{ref}, Schema: schema})
}

func (w *lakeWorld) state() manifest.State {
	w.t.Helper()
	st, err := w.publisher.Manifest.Load(w.t.Context(), lakeOwner, w.dataset.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *lakeWorld) swap(c manifest.Change) {
	w.t.Helper()
	if _, err := w.publisher.Manifest.Commit(w.t.Context(), lakeOwner, w.dataset.ID, w.state(), c); err != nil {
		w.t.Fatal(err)
	}
}

// compact merges what there is, once it is quiet.
func (w *lakeWorld) compact() {
	w.t.Helper()
	w.now = w.now.Add(2 * time.Hour)
	c := compact.Compactor{Manifest: w.publisher.Manifest, Policy: compact.DefaultPolicy, Now: func() time.Time { return w.now }}
	c.Policy.Own = 10
	for {
		report, err := c.Step(w.t.Context(), lakeOwner, w.dataset.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if report.Merges == 0 {
			return
		}
	}
}

// erase rewrites the segments that hold a user's rows without them.
func (w *lakeWorld) erase(user string) {
	w.t.Helper()
	st := w.state()
	c := manifest.Change{Commit: "erase " + user}
	cache := segment.NewCache(w.publisher.Blobs, 0)
	for _, ref := range st.Of(segment.Rows) {
		batch, err := cache.ReadRows(w.t.Context(), ref)
		if err != nil {
			w.t.Fatal(err)
		}
		if batch, err = rows.Merge([]rows.Batch{batch}, st.Schema); err != nil {
			w.t.Fatal(err)
		}
		var rest []int32
		for row := range batch.Len {
			if string(batch.Columns[rows.UserID].Text(row)) != user {
				rest = append(rest, int32(row))
			}
		}
		c.Remove = append(c.Remove, ref.Key)
		without, err := segment.WriteMerged(w.t.Context(), w.publisher.Blobs, segment.Origin{Tenant: lakeOwner, Dataset: w.dataset.ID, Shard: "erase", From: "1", Through: "1"}, batch, rest)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Add = append(c.Add, without)
	}
	w.swap(c)
	for id, row := range w.sent {
		if row.User == user {
			delete(w.sent, id)
		}
	}
}

// read publishes, has the other implementation read the table, and compares the rows,
// every value of them, with what was sent.
func (w *lakeWorld) read(when string, fields ...string) {
	w.t.Helper()
	if _, err := w.publisher.Publish(w.t.Context(), lakeOwner, w.dataset); err != nil {
		w.t.Fatal(err)
	}
	at, err := w.publisher.Pointers.Current(w.t.Context(), lakeOwner, "web")
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := exec.CommandContext(w.t.Context(), "node", "iceberg.mjs", at).Output()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, stderr(err))
	}
	var table struct {
		Fields []string
		Rows   []lakeLine
	}
	if err := json.Unmarshal(out, &table); err != nil {
		w.t.Fatal(err)
	}
	got := map[string]lakeRow{}
	for _, line := range table.Rows {
		got[line.ID+line.UUID] = line.row(w.t)
	}
	if diff := cmp.Diff(w.sent, got, cmpopts.EquateEmpty()); diff != "" || len(table.Rows) != len(w.sent) {
		w.t.Fatalf("%s: %d rows, want %d (-sent +read):\n%s", when, len(table.Rows), len(w.sent), diff)
	}
	for _, field := range fields {
		if !slices.Contains(table.Fields, field) {
			w.t.Errorf("%s: no field %q among %q", when, field, table.Fields)
		}
	}
}

func stderr(err error) []byte {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.Stderr
	}
	return nil
}

func TestAnotherReaderOfIcebergSeesEveryRow(t *testing.T) {
	w := newLakeWorld(t)
	w.seal(40, 1, true, true)
	w.seal(40, 1, true, true)
	w.compact()
	w.read("after compaction", "event_id string", "event_uuid uuid", "time timestamp", "day date", "p_price long")
	for range 3 {
		w.seal(60, 4, true, true)
	}
	w.compact()
	w.read("after appends of several days")
	w.seal(50, 7, false, true)
	w.compact()
	w.read("with ids that are no UUIDs, and files of several days")
	w.seal(30, 1, true, false)
	w.now = w.now.Add(-24 * time.Hour) // another day's file, so that those of whole prices stay as they are
	w.seal(30, 1, true, false)
	w.now = w.now.Add(24 * time.Hour)
	w.compact()
	w.read("after the schema changed", "p_price long", "p_price__float double")
	w.erase("u1")
	w.read("after an erasure")
}
