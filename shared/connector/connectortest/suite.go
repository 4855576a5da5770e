package connectortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/secret"
)

// Origin is a real system that a source reads, of a test's own.
type Origin interface {
	DSN() secret.Value
	WrongPassword() secret.Value
	Password() string // which must never be seen

	// Make makes an empty table with the columns id (a key, or as Suite.ID has it), at (a time), name (a text
	// or null) and as many texts w0, w1 and so on as are wanted.
	Make(t *testing.T, table string, wide int)
	// Put stores items: those that are there become others.
	Put(t *testing.T, table string, items ...Item)
	Delete(t *testing.T, table string, ids ...int64)
	// Typed makes a table with values of every type of the system, and says which
	// rows a dataset has of it.
	Typed(t *testing.T) (table string, want []string)
}

// Item is a row of a table that an Origin has made.
type Item struct {
	ID   int64
	At   time.Time
	Name string // empty: null
	Wide string // of each of the wide columns
}

// json is the item as a dataset has it.
func (i Item) json(id string, wide int) string {
	out := `{"` + id + `":` + fmt.Sprint(i.ID) + `,"at":"` + i.At.UTC().Format(time.RFC3339Nano) + `"`
	if i.Name != "" {
		out += `,"name":"` + i.Name + `"`
	}
	for n := range wide {
		out += fmt.Sprintf(`,"w%d":"%s"`, n, i.Wide)
	}
	return out + "}"
}

// Suite tests a kind of connector.
type Suite struct {
	Kind    connector.Kind
	Driver  connector.Driver // may reach the origin
	Guarded connector.Driver // may reach public addresses alone
	Origin  func(*testing.T) Origin

	Dialled  func(Dial) connector.Driver // that connects so; nil where the system is reached by HTTP
	Settings json.RawMessage             // of the connectors
	Keyed    bool                        // nothing is read incrementally without a key
	ID       string                      // the column id, where all tables have a key of another name
	Cursor   string                      // of incremental tables; empty: "at"

	// Files says that rows come in files: they are late with their file, whatever stands in
	// them, and without a key a file that has changed is refused.
	Files bool
}

// Run tests the promises.
func (s Suite) Run(t *testing.T) {
	for claim, test := range claims {
		t.Run(claim, func(t *testing.T) {
			w := NewWorld(connector.Drivers{s.Kind: s.Driver, guarded: s.Guarded})
			test(bench{T: t, World: w, Origin: s.Origin(t), Suite: s})
		})
	}
}

// guarded is the kind of connectors that reach public addresses alone.
const guarded connector.Kind = "guarded"

// bench is what a test works with.
type bench struct {
	*testing.T
	*World
	Origin
	Suite
}

// connect makes a connector of tables.
func (b bench) connect(tables ...connector.Table) connector.Connector {
	b.Helper()
	return b.Create(b.T, b.spec(tables...))
}

// spec is of a connector that may reach the origin.
func (b bench) spec(tables ...connector.Table) connector.Spec {
	return connector.Spec{Name: "crm", Kind: b.Kind, Settings: b.Settings, Tables: b.keyed(tables), DSN: b.DSN()}
}

// open connects to the origin.
func (b bench) open(tables ...connector.Table) connector.Source {
	b.Helper()
	source, err := b.Driver.Open(b.Context(), b.config(b.DSN(), tables...))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(source.Close)
	return source
}

func (b bench) config(dsn secret.Value, tables ...connector.Table) connector.Config {
	return connector.Config{DSN: dsn, Settings: b.Settings, Tables: b.keyed(tables)}
}

// id is the column that tells items apart.
func (s Suite) id() string { return cmp.Or(s.ID, "id") }

// keyed returns tables with the key that the origin's have.
func (s Suite) keyed(tables []connector.Table) (all []connector.Table) {
	for _, t := range tables {
		if len(t.Key) > 0 {
			t.Key = []string{s.id()}
		}
		all = append(all, t)
	}
	return all
}

// wants fails unless a dataset has the items, and nothing else.
func (b bench) wants(name dataset.Name, wide int, items ...Item) {
	b.Helper()
	want := []string{}
	for _, i := range items {
		want = append(want, sorted(b.T, []byte(i.json(b.id(), wide))))
	}
	slices.Sort(want)
	if diff := gocmp.Diff(want, b.Has(b.T, name)); diff != "" {
		b.Errorf("dataset %s: -want +got:\n%s", name, diff)
	}
}

var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

// item makes an item that was changed some minutes after noon.
func item(id int64, minutes int) Item {
	return Item{ID: id, At: noon.Add(time.Duration(minutes) * time.Minute), Name: fmt.Sprint("n", id)}
}

func items(n int, minutes func(int) int) (all []Item) {
	for i := range n {
		all = append(all, item(int64(i+1), minutes(i)))
	}
	return all
}

// The tables in each mode.
var (
	full        = connector.Table{Table: "things", Dataset: "things", Mode: connector.Full}
	incremental = connector.Table{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"id"}}
	keyless     = connector.Table{Table: "things", Dataset: "things", Cursor: "at"}
	changes     = connector.Table{Table: "things", Dataset: "things", Mode: connector.Changes, Key: []string{"id"}}
)

// feeds reports whether the source tells of changes.
func (b bench) feeds() bool {
	b.Helper()
	_, ok := b.open(full).(connector.Feed)
	return ok
}

// following is a table that is read incrementally, by the cursor that the source has.
func (b bench) following(t connector.Table) connector.Table {
	if b.Cursor != "" {
		t.Cursor = b.Cursor
	}
	return t
}

// modes are those that the source has.
func (b bench) modes() []connector.Table {
	all := []connector.Table{full, b.following(incremental)}
	if !b.Keyed {
		all = append(all, b.following(keyless))
	}
	if b.feeds() {
		all = append(all, changes)
	}
	return all
}

// in runs a test in every mode, each on a table of its own.
func (b bench) in(test func(b bench, table connector.Table)) {
	for i, table := range b.modes() {
		b.T.Run(fmt.Sprintf("%s, key %v", table.Effective(), table.Key), func(t *testing.T) {
			table.Table, table.Dataset = fmt.Sprint("things", i), dataset.Name(fmt.Sprint("things", i))
			test(bench{T: t, World: NewWorld(b.Drivers), Origin: b.Origin, Suite: b.Suite}, table)
		})
	}
}
