package sqlserver_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/sqlserver/tdstest"
)

var update = flag.Bool("update", false, "write the golden files")

// TestTheStatementsAreThoseThatWereReadAgainstTheGrammar holds every statement that a table
// is read by: whole, and by a cursor, of which a key may be a part, in pages, after a window
// and after a place that has nulls. No server could be asked whether it takes them, so a
// change to one is to be read against the grammar of Transact-SQL.
func TestTheStatementsAreThoseThatWereReadAgainstTheGrammar(t *testing.T) {
	o := newOrigin(t)
	o.Make(t, "things", 0)
	o.add(table{name: "it's", columns: []column{{name: "a]b", typ: "int", wire: tdstest.IntType(4)}}})
	var items []connectortest.Item
	for id := range int64(3) {
		items = append(items, connectortest.Item{ID: id, At: noon})
	}
	o.Put(t, "things", items...)
	s, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, table := range []connector.Table{
		{Table: "things", Mode: connector.Full},
		{Table: "dbo.things", Cursor: "at", Key: []string{"name", "id"}, Window: "10m"},
		{Table: "things", Cursor: "id", Key: []string{"id"}},
		{Table: "things", Cursor: "id"},
	} {
		read := connector.Read{Table: table, Rows: 2}
		for range 2 { // a pass, and the one after it
			for b, err := range s.Read(t.Context(), read) {
				if err != nil {
					t.Fatal(err)
				}
				read.From = b.Next
			}
		}
	}
	for _, err := range s.Read(t.Context(), connector.Read{Table: connector.Table{Table: "it's", Mode: connector.Full}}) {
		if code := codeOf(err); code != "" && code != "source_error" { // what SQLite has not
			t.Fatal(err)
		}
	}
	var all []string
	for _, statement := range o.asked {
		if !slices.Contains(all, statement) {
			all = append(all, statement)
		}
	}
	got, golden := strings.Join(all, ";\n")+";\n", filepath.Join("testdata", "statements.sql")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
