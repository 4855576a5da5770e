package export

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // reads Parquet that we wrote
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestAnExportIsOfAQueryOrOfRows(t *testing.T) {
	for name, c := range map[string]struct{ body, code string }{
		"neither":                 {`{"format":"csv"}`, "bad_export"},
		"both":                    {`{"query":{"dataset":"web","measures":["count"]},"dataset":"web","format":"csv"}`, "bad_export"},
		"no format":               {`{"dataset":"web"}`, "bad_format"},
		"a format that is none":   {`{"dataset":"web","format":"pdf"}`, "bad_format"},
		"a field that is none":    {`{"dataset":"web","format":"csv","limit":1}`, "bad_export"},
		"two of them":             {`{"dataset":"web","format":"csv"}{}`, "bad_export"},
		"a query that is none":    {`{"query":{"dataset":"web"},"format":"csv","x":1}`, "bad_export"},
		"no JSON":                 {`{`, "bad_export"},
		"a dataset's name":        {`{"dataset":"../x","format":"csv"}`, "bad_dataset_name"},
		"a filter that is none":   {`{"dataset":"web","filter":{"x":1},"format":"csv"}`, ""},
		"a query without a field": {`{"query":{},"format":"csv"}`, ""},
	} {
		_, err := Decode([]byte(c.body), "key:1")
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
		if f, ok := err.(*fault.Error); ok && c.code != "" && f.Code != c.code {
			t.Errorf("%s: code %s, want %s", name, f.Code, c.code)
		}
	}
	spec, err := Decode([]byte(`{"dataset":"web","filter":{"column":"event","op":"=","value":"x"},"format":"csv","idempotency_key":"k"}`), "key:1")
	if err != nil || spec.Dataset != "web" || spec.Key != "k" || spec.By != "key:1" {
		t.Errorf("%+v, %v", spec, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"dataset":"web","filter":{"column":"event","op":"=","value":"x"},"format":"csv"}`))
	f.Add([]byte(`{"query":{"dataset":"web","measures":["count"]},"format":"xlsx","idempotency_key":"k"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		spec, err := Decode(body, "key:1")
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Errorf("%v is of kind %v", err, fault.KindOf(err))
		}
		if err == nil && spec.Dataset.Check() != nil {
			t.Errorf("an export of dataset %q", spec.Dataset)
		}
	})
}

var (
	columns = []query.Column{{Name: "z", Type: query.Text}, {Name: "a", Type: query.Int}, {Name: "f", Type: query.Float},
		{Name: "b", Type: query.Bool}, {Name: "t", Type: query.Timestamp}, {Name: "j", Type: query.JSON}, {Name: "wide", Type: query.Int}}
	rows = [][]query.Value{
		{query.TextValue("=1+1, \"ü\"\n"), query.IntValue(1 << 60), query.FloatValue(0.5), query.BoolValue(true),
			query.TimeValue(time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).UnixMicro()), query.TextValue(`{"x":1}`), query.BigValue(new(big.Int).Lsh(big.NewInt(1), 70))},
		{query.TextValue(""), query.IntValue(-7), {}, {}, {}, {}, query.IntValue(2)},
		make([]query.Value, 7),
	}
)

// written writes the rows in a format.
func written(t *testing.T, f Format) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := newWriter(f, &b, widened(columns, []int{6}))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCSVIsAsQueriesWriteIt(t *testing.T) {
	var want bytes.Buffer
	if err := query.WriteCSV(&want, query.Result{Columns: columns, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	got := written(t, CSV)
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all, err := csv.NewReader(bytes.NewReader(got)).ReadAll(); err != nil || len(all) != 1+len(rows) {
		t.Errorf("%d records, %v", len(all), err)
	}
}

func TestNDJSONHasAnObjectALine(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(string(written(t, NDJSON)), "\n"), "\n")
	if len(lines) != len(rows) {
		t.Fatalf("%d lines", len(lines))
	}
	if !strings.Contains(lines[0], `"a":1152921504606846976`) || !strings.Contains(lines[0], `"wide":1180591620717411303424`) {
		t.Errorf("digits are lost: %s", lines[0])
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil || len(got) != len(columns) {
			t.Errorf("line %d: %v: %s", i, err, line)
		}
	}
}

func TestDuckDBReadsParquetAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, written(t, Parquet), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.QueryContext(t.Context(), fmt.Sprintf("SELECT z, a, f, b, epoch_us(t), CAST(j AS VARCHAR), wide FROM '%s'", path))
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var got [][]any
	for found.Next() {
		row := make([]any, 7)
		places := make([]any, 7)
		for i := range row {
			places[i] = &row[i]
		}
		if err := found.Scan(places...); err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	want := [][]any{
		{"=1+1, \"ü\"\n", int64(1 << 60), 0.5, true, time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).UnixMicro(), `{"x":1}`, "1180591620717411303424"},
		{"", int64(-7), nil, nil, nil, nil, "2"},
		make([]any, 7),
	}
	if diff := cmp.Diff(want, got); diff != "" || found.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", found.Err(), diff)
	}
	var order string
	if err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT string_agg(name, ' ') FROM (SELECT name FROM parquet_schema('%s') WHERE name != 'export')", path)).Scan(&order); err != nil || order != "z a f b t j wide" {
		t.Errorf("columns %q, %v", order, err)
	}
}

func TestExcelShowsTextsAsTheyAreAndNumbersExactly(t *testing.T) {
	f, err := excelize.OpenReader(bytes.NewReader(written(t, XLSX)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"z", "a", "f", "b", "t", "j", "wide"},
		{"=1+1, \"ü\"\n", "1152921504606846976", "0.5", "1", "2026-01-02T03:04:05.000006Z", `{"x":1}`, "1180591620717411303424"},
		{"", "-7", "", "", "", "", "2"},
	}
	if diff := cmp.Diff(want, got[:min(3, len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if formula, err := f.GetCellFormula("Sheet1", "A2"); err != nil || formula != "" {
		t.Errorf("a text became the formula %q, %v", formula, err)
	}
}

func TestWhatACellCannotHoldIsAnErrorThatSaysSo(t *testing.T) {
	_, err := cellOf(query.TextValue(strings.Repeat("x", cellChars+1)), columns[0])
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("%v, want TooLarge", err)
	}
	if _, err := cellOf(query.TextValue(strings.Repeat("ü", cellChars)), columns[0]); err != nil {
		t.Errorf("characters are counted, not bytes: %v", err)
	}
}

func TestAFileThatNoBlobHoldsIsAnErrorThatSaysSo(t *testing.T) {
	w := newLines(&bounded{w: &bytes.Buffer{}, left: 10}, nil, query.AppendCSV)
	if err := w.row([]query.Value{query.TextValue("more than ten")}); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); !fault.Is(err, fault.TooLarge) {
		t.Errorf("%v, want TooLarge", err)
	}
}

func TestFilesAreSweptOnceNobodyMayFetchThem(t *testing.T) {
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	blobs := &fake.Blobs{Now: func() time.Time { return now }}
	files := Files{Blobs: blobs, Now: func() time.Time { return now }}
	for _, key := range []string{"exports/main/j1/1-1/file/web.csv", "exports/main/j1/1-1/parts/000000-1", "exports/other/j2/1-1/file/web.csv"} {
		if err := blobs.Put(t.Context(), key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := files.Sweep(t.Context(), "main"); n != 0 || err != nil {
		t.Errorf("swept %d at once, %v", n, err)
	}
	ended := now
	now = now.Add(KeepFile + time.Second)
	if n, err := files.Sweep(t.Context(), "main"); n != 2 || err != nil {
		t.Errorf("swept %d, %v; want 2", n, err)
	}
	v, err := files.View(t.Context(), job.Job{Result: []byte(`{"key":"exports/main/j1/1-1/file/web.csv","rows":3}`), Ended: ended})
	if err != nil || v.(View).URL != "" || v.(View).Rows != 3 {
		t.Errorf("%+v, %v", v, err)
	}
}
