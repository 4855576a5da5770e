package build

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

const owner tenant.ID = "main"

func TestMain(m *testing.M) {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	os.Exit(m.Run())
}

// testing is what tests and properties have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
	Context() context.Context
}

// world is a tenant with the dataset web of events, and the table users.
type world struct {
	table *fake.Table
	blobs *fake.Blobs
	now   time.Time
	sql   SQL
	sent  int
	loads int
	web   dataset.Dataset
	users dataset.Dataset
}

// newRunner returns what runs statements over worlds, whose blobs are those of store.
func newRunner(t testing.TB, store blob.Store) *sqlrun.Runner {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files, err := local.New(store, t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sqlrun.New(sqlrun.Config{Program: program, Files: files, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

var noon = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

func newWorld(t tester, blobs *fake.Blobs, sql SQL) *world {
	t.Helper()
	w := &world{blobs: blobs, now: noon, sql: sql}
	w.table = &fake.Table{Now: w.clock}
	*blobs = fake.Blobs{Now: w.clock} // what other cases left
	var err error
	if w.web, err = w.catalog().Create(t.Context(), owner, dataset.Spec{Name: "web", Kind: dataset.Events}); err != nil {
		t.Fatal(err)
	}
	if w.users, err = w.catalog().Create(t.Context(), owner, dataset.Spec{Name: "users", Kind: dataset.Table}); err != nil {
		t.Fatal(err)
	}
	w.send(t, visit{"u0", 0, 1, "view"})
	w.upsert(t, person{"u0", "CH"})
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) catalog() dataset.Catalog { return dataset.Catalog{Table: w.table, Now: w.clock} }

func (w *world) manifest() manifest.Store {
	return manifest.Store{Table: w.table, Blobs: w.blobs, Now: w.clock}
}

// builder builds over a table, which may be one that fails.
func (w *world) builder(over table.Table, blobs blob.Store) Builder {
	store := manifest.Store{Table: over, Blobs: blobs, Now: w.clock}
	catalog := dataset.Catalog{Table: over, Now: w.clock}
	return Builder{Catalog: catalog, Source: &snapshot.Sealed{Catalog: catalog, Manifest: store}, SQL: w.sql, Loader: load.Loader{Manifest: store}}
}

// visit is an event: hours after the first of January, and what was spent.
type visit struct {
	user   string
	hour   int
	amount int
	event  string
}

// send commits events as ingestion does.
func (w *world) send(t tester, all ...visit) {
	t.Helper()
	st, err := w.manifest().Load(t.Context(), owner, w.web.ID)
	if err != nil {
		t.Fatal(err)
	}
	shape := &events.Shape{Names: []string{"amount"}}
	schema := st.Schema
	first := events.Event{Shape: shape, Values: []events.Value{{Kind: events.Int}}}
	if s, changed, _ := rows.Resolve(schema, &first, dataset.Keep); changed {
		schema = s
	}
	b := rows.NewBuilder(schema, dataset.Keep)
	for _, v := range all {
		at := time.Date(2026, 1, 1, v.hour, 0, 0, 0, time.UTC)
		w.sent++
		b.Append(&events.Event{ID: fmt.Sprint("e", w.sent), Name: v.event, UserID: v.user, Time: at.UnixMicro(), Shape: shape, Values: []events.Value{{Kind: events.Int, Int: int64(v.amount)}}}, w.now.UnixMicro())
	}
	sequence := stream.Sequence(fmt.Sprint(w.sent))
	ref, err := segment.Write(t.Context(), w.blobs, segment.Origin{Tenant: owner, Dataset: w.web.ID, Shard: "s", From: sequence, Through: sequence}, b.View(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.manifest().Commit(t.Context(), owner, w.web.ID, st, manifest.Change{Commit: "s" + string(sequence), Add: []segment.Ref{ref}, Schema: schema}); err != nil {
		t.Fatal(err)
	}
}

// person is a row of users.
type person struct{ user, country string }

func people(all []person) rows.Batch {
	user := rows.Column{Column: dataset.Column{Name: "user_id", Type: dataset.Text}}
	country := rows.Column{Column: dataset.Column{Name: "country", Type: dataset.Text}}
	for _, p := range all {
		user.Bytes = append(user.Bytes, p.user...)
		user.Ends = append(user.Ends, uint32(len(user.Bytes)))
		country.Bytes = append(country.Bytes, p.country...)
		country.Ends = append(country.Ends, uint32(len(country.Bytes)))
	}
	return rows.Batch{Columns: []rows.Column{user, country}, Len: len(all)}
}

func (w *world) upsert(t tester, all ...person) { w.load(t, load.Upsert, load.Part{Rows: people(all)}) }

func (w *world) load(t tester, mode load.Mode, part load.Part) {
	t.Helper()
	w.loads++
	p := load.Plan{ID: load.ID(fmt.Sprint("load", w.loads)), Mode: mode, Parts: func(yield func(load.Part, error) bool) { yield(part, nil) }}
	if mode == load.Upsert {
		p.Key = []string{"user_id"}
	}
	if _, err := (load.Loader{Manifest: w.manifest()}).Load(t.Context(), owner, w.users, p); err != nil {
		t.Fatal(err)
	}
}

// compact merges what can be merged of a dataset.
func (w *world) compact(t tester, d dataset.ID) {
	t.Helper()
	c := compact.Compactor{Manifest: w.manifest(), Now: w.clock, Policy: compact.Policy{Files: 2, FanIn: 2, Rows: 1000, Bytes: 1 << 30, Own: 2}}
	for range 20 {
		r, err := c.Step(t.Context(), owner, d)
		if err != nil {
			t.Fatal(err)
		}
		if r == (compact.Report{}) {
			return
		}
	}
}

// sweep deletes what no reader can ask for any more.
func (w *world) sweep(t tester) {
	t.Helper()
	w.now = w.now.Add(3 * time.Hour)
	all, _, err := w.catalog().List(t.Context(), owner, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := w.manifest().Sweep(t.Context(), owner, d.ID, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func project(t tester, files model.Files) model.Project {
	t.Helper()
	p, err := model.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// build builds all models, and returns what each did.
func (w *world) build(t tester, p model.Project, id string) map[dataset.Name]Report {
	t.Helper()
	out := map[dataset.Name]Report{}
	for _, m := range p.Models {
		r, err := w.builder(w.table, w.blobs).Build(t.Context(), owner, m, Order{ID: load.ID(id)})
		if err != nil {
			t.Fatalf("%s: %v\n%s", m.Name, err, m.SQL)
		}
		out[m.Name] = r
	}
	return out
}

// ask runs a statement over all datasets as they are, and returns its rows, sorted.
func (w *world) ask(t tester, text string) []string {
	t.Helper()
	source := w.builder(w.table, w.blobs).Source
	got, err := w.sql.Run(t.Context(), engine.Statement{SQL: text, Open: func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
		over, err := source.Open(ctx, owner, name, nil)
		if err != nil {
			return engine.Visible{}, err
		}
		return engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}, nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := []string{}
	for _, row := range got.Rows {
		var texts []string
		for _, v := range row {
			texts = append(texts, days.ReplaceAllString(v.String(), `"${1}T00:00:00Z"`))
		}
		out = append(out, strings.Join(texts, " "))
	}
	slices.Sort(out)
	return out
}

// days are dates, which a result has as the instants at which they begin.
var days = regexp.MustCompile(`^"(\d{4}-\d\d-\d\d)"$`)

// columnsOf lists the columns that a statement gives.
func (w *world) columnsOf(t tester, text string) string {
	t.Helper()
	source := w.builder(w.table, w.blobs).Source
	got, err := w.sql.Run(t.Context(), engine.Statement{SQL: "SELECT * FROM (" + text + ") AS q LIMIT 0", Open: func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
		over, err := source.Open(ctx, owner, name, nil)
		return engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}, err
	}})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var names []string
	for _, c := range got.Columns {
		names = append(names, quoted(c.Name))
	}
	return strings.Join(names, ", ")
}

func draws(t *rapid.T, label string, most int) int { return rapid.IntRange(0, most).Draw(t, label) }

var errDead = fault.New(fault.Unavailable, "dead", "the process was killed")

// mortal is a table and blobs of a process that is killed at a call.
type mortal struct {
	left  *int // calls until then
	after bool // it is killed once the call was done
}

func (m mortal) call(op func() error) error {
	*m.left--
	switch {
	case *m.left > 0:
		return op()
	case *m.left == 0 && m.after:
		if err := op(); err != nil {
			return err
		}
	}
	return errDead
}

type mortalTable struct {
	table.Table
	mortal
}

func (m mortalTable) Commit(ctx context.Context, writes ...table.Write) error {
	return m.call(func() error { return m.Table.Commit(ctx, writes...) })
}

func (m mortalTable) Get(ctx context.Context, k table.Key) (item table.Item, err error) {
	err = m.call(func() (err error) { item, err = m.Table.Get(ctx, k); return err })
	return item, err
}

func (m mortalTable) List(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = m.call(func() (err error) { page, err = m.Table.List(ctx, q); return err })
	return page, err
}

type mortalBlobs struct {
	blob.Store
	mortal
}

func (m mortalBlobs) Put(ctx context.Context, key string, body []byte) error {
	return m.call(func() error { return m.Store.Put(ctx, key, body) })
}
