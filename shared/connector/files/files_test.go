package files_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/files"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestWhatADriverIsToldIsCheckedAndNothingIsAsked(t *testing.T) {
	table := connector.Table{Table: "orders/*.csv", Dataset: "orders"}
	with := func(change func(*connector.Table)) connector.Table {
		t := table
		change(&t)
		return t
	}
	const good = "https://example.com/data/"
	for claim, c := range map[string]struct {
		dsn, settings string
		table         connector.Table
		code          string
	}{
		"a folder":                      {good, "", table, ""},
		"a file with a signature":       {"https://example.com/a.csv?token=x", `{"delimiter": ";"}`, table, ""},
		"a bucket":                      {"s3://AKID:sec/r+et=@bucket/a/b?region=eu-central-1", "", table, ""},
		"a bucket elsewhere":            {"s3://k:s%40t@bucket?endpoint=https://minio.example.com:9000", "", table, ""},
		"a bucket without keys":         {"s3://bucket/a?region=eu-central-1", "", table, "bad_dsn"},
		"a bucket without a region":     {"s3://k:s@bucket/a", "", table, "bad_dsn"},
		"a bucket with another option":  {"s3://k:s@bucket/a?region=r&profile=x", "", table, "bad_dsn"},
		"an endpoint that is a file":    {"s3://k:s@bucket/a?endpoint=file:///etc", "", table, "bad_dsn"},
		"a file of the machine":         {"file:///etc/passwd", "", table, "bad_dsn"},
		"a sheet that is none":          {"https://docs.google.com/document/d/x/edit", "", table, "bad_dsn"},
		"an unknown setting":            {good, `{"folder": "x"}`, table, "bad_settings"},
		"a setting that is none":        {good, `{"delimiter": "ab"}`, table, "bad_option"},
		"a path that leads out":         {good, "", with(func(t *connector.Table) { t.Table = "a/../../b" }), "bad_table"},
		"a pattern that is none":        {good, "", with(func(t *connector.Table) { t.Table = "[" }), "bad_table"},
		"a cursor that is a column":     {good, "", with(func(t *connector.Table) { t.Cursor = "at" }), "unknown_column"},
		"a window":                      {good, "", with(func(t *connector.Table) { t.Cursor, t.Window = files.Cursor, "1h" }), "bad_window"},
		"changes":                       {good, "", with(func(t *connector.Table) { t.Mode, t.Key = connector.Changes, []string{"id"} }), "no_changes"},
		"new files":                     {good, "", with(func(t *connector.Table) { t.Cursor = files.Cursor }), ""},
		"new files, and changes by key": {good, "", with(func(t *connector.Table) { t.Cursor, t.Key = files.Cursor, []string{"id"} }), ""},
	} {
		t.Run(claim, func(t *testing.T) {
			err := files.Driver{}.Check(connector.Config{DSN: secret.New([]byte(c.dsn)), Settings: []byte(c.settings), Tables: []connector.Table{c.table}})
			if got := codeOf(err); got != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

// codeOf returns the code of an error, an empty one of none.
func codeOf(err error) string {
	var known *fault.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Code
	}
	return err.Error()
}

// bench is an HTTP folder and a connector of one table.
type bench struct {
	*connectortest.World
	shelf
	connector.Connector
}

func newBench(t *testing.T, s shelf, table connector.Table) bench {
	t.Helper()
	w := connectortest.NewWorld(connector.Drivers{files.Kind: driver(t)})
	table.Dataset = "orders"
	spec := connector.Spec{Name: "crm", Kind: files.Kind, DSN: secret.New([]byte(s.dsn(s.password()))), Tables: []connector.Table{table}}
	return bench{w, s, w.Create(t, spec)}
}

// wants fails unless the column n of the dataset has those values, in order.
func (b bench) wants(t *testing.T, want ...string) {
	t.Helper()
	for i := range want {
		want[i] = fmt.Sprintf(`{"n":%s}`, want[i])
	}
	if diff := cmp.Diff(want, b.Has(t, "orders")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestATableIsAFileAFolderOrAPattern(t *testing.T) {
	for table, want := range map[string][]string{
		"a.csv":         {"1"},
		"orders":        {"2", "3", "4"},
		"orders/":       {"2", "3", "4"},
		"orders/*.csv":  {"2", "3"},
		"*/[ab].csv":    {"2", "5"},
		"orders/*/*":    {"4"},
		"orders/_b.csv": {"9"},
	} {
		b := newBench(t, newShelf(t), connector.Table{Table: table})
		for name, n := range map[string]int{"a.csv": 1, "orders/a.csv": 2, "orders/c d.csv": 3, "orders/old/a.csv": 4, "orders2/b.csv": 5, "orders/_b.csv": 9, "orders/.c.csv": 9} {
			b.put(t, name, fmt.Sprintf("n\n%d\n", n))
		}
		b.Sync(t, b.Connector, false)
		b.wants(t, want...)
	}
}

func TestAFileThatAppearsLateWithAnOlderTimeIsRead(t *testing.T) {
	s := newShelf(t)
	b := newBench(t, s, connector.Table{Table: "orders", Cursor: files.Cursor})
	b.put(t, "orders/b.csv", "n\n1\n")
	b.Sync(t, b.Connector, false)
	b.put(t, "orders/a.csv", "n\n2\n")
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(s.dir, "data/orders/a.csv"), old, old); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b.Sync(t, b.Connector, false)
		b.wants(t, "1", "2")
	}
}

func TestWithoutAKeyAChangedFileIsRefusedAndTheOthersAreRead(t *testing.T) {
	b := newBench(t, newShelf(t), connector.Table{Table: "orders", Cursor: files.Cursor})
	b.put(t, "orders/a.csv", "n\n1\n")
	b.Sync(t, b.Connector, false)
	b.put(t, "orders/a.csv", "n\n1\n2\n")
	b.put(t, "orders/b.csv", "n\n3\n")
	for range 2 {
		connectortest.Wants(t, b.Try(t, b.Connector, false), "file_changed")
		b.wants(t, "1", "3")
	}
	b.Sync(t, b.Connector, true)
	b.wants(t, "1", "2", "3")
}

func TestAFileThatNobodyUnderstandsHoldsUpNoOther(t *testing.T) {
	b := newBench(t, newShelf(t), connector.Table{Table: "orders", Cursor: files.Cursor})
	b.put(t, "orders/a.parquet", "PAR1 and no more PAR1")
	b.put(t, "orders/b.csv", "n\n1\n")
	j := b.Try(t, b.Connector, false)
	if j.Error == nil || j.State != job.Failed {
		t.Errorf("the sync is %s: %+v", j.State, j.Error)
	}
	b.wants(t, "1")
}

func TestRecordsThatAreNoRowsAreInQuarantineWithFileAndLine(t *testing.T) {
	b := newBench(t, newShelf(t), connector.Table{Table: "orders"})
	b.put(t, "orders/a.csv", "n,m\n1,2\n2,3,4\n3,4\n")
	b.Sync(t, b.Connector, false)
	refs := b.State(t, "orders").Of(segment.Quarantine)
	if len(refs) != 1 {
		t.Fatalf("%d segments of quarantine, want 1", len(refs))
	}
	kept, err := segment.NewCache(&b.Blobs, 0).ReadQuarantine(t.Context(), refs[0])
	if err != nil || len(kept) != 1 || kept[0].EventID != "orders/a.csv:3" {
		t.Errorf("in quarantine is %+v, %v", kept, err)
	}
}

func TestAFileOfManyPartsIsReadOnceHoweverItIsKilled(t *testing.T) {
	s := newShelf(t)
	var text strings.Builder
	text.WriteString("n\n")
	const rows = 600_000 // three parts
	for n := range rows {
		fmt.Fprintln(&text, n%10)
	}
	s.put(t, "orders/a.csv", text.String())
	s.put(t, "orders/b.csv", "n\n1\n")
	for at := 5; ; at += 11 {
		b := newBench(t, s, connector.Table{Table: "orders", Cursor: files.Cursor})
		b.Rows = 1000
		b.Kill(at)
		b.Sync(t, b.Connector, false)
		if got := b.State(t, "orders").Visible(); got != rows+1 {
			t.Fatalf("killed at call %d: %d rows, want %d", at, got, rows+1)
		}
		if !b.Struck() {
			return
		}
	}
}

func TestAnObjectThatIsWrittenAnewWhileAFolderIsReadIsNotMixedUp(t *testing.T) {
	o := newBucket(t, oracle.Start(t, oracle.S3))
	for _, name := range []string{"a", "b", "c"} {
		o.put(t, "orders/"+name+".csv", "n\n1\n")
	}
	source, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var last error
	for _, err := range source.Read(t.Context(), connector.Read{Table: connector.Table{Table: "orders", Dataset: "orders"}, Rows: 1}) {
		o.put(t, "orders/c.csv", "n\n2\n")
		last = err
	}
	if !fault.Is(last, fault.Unavailable) || codeOf(last) != "file_moved" {
		t.Errorf("it ends with %v", last)
	}
}

func TestNoCredentialsOfTheMachineAreUsed(t *testing.T) {
	o := newBucket(t, oracle.Start(t, oracle.S3))
	o.put(t, "orders/a.csv", "n\n1\n")
	keys := o.shelf.(bucket)
	t.Setenv("AWS_ACCESS_KEY_ID", keys.keys)
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
	source, err := driver(t).Open(t.Context(), connector.Config{DSN: o.WrongPassword()})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := source.Check(t.Context()); codeOf(err) != "source_refused" {
		t.Errorf("with another secret: %v", err)
	}
}
