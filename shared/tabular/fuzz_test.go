package tabular

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// fuzz reads any bytes as one format, after the files of testdata/ugly. Whatever they are:
// the reader does not panic, a refusal says what is wrong, each record comes out once, and
// the outcome does not depend on how the file was cut into parts and reads.
func fuzz(f *testing.F, o Options, records func([]byte) (int, bool)) {
	for _, name := range uglyFiles(f) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(len(data)))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		found, err := Detect(t.Context(), memory{data: data}, "", o)
		if err != nil {
			mustBeInvalid(t, err)
			return
		}
		declared := []dataset.Column{{Name: "id", Type: dataset.Int, Declared: true}}
		whole, err := readAll(memory{data: data}, found, declared, partLimits)
		if err != nil {
			mustBeInvalid(t, err)
			return
		}
		mustBeWhole(t, whole)
		small := limits{rows: 1 + int(cut%7), bytes: 1 << 10, chunk: 1 + int(cut)}
		parts, err := readAll(memory{data, 1 + int(cut/3)}, found, declared, small)
		if err != nil {
			t.Fatalf("in parts: %v", err)
		}
		mustBeWhole(t, parts)
		if len(parts.Rows) != len(whole.Rows) || len(parts.Bad) != len(whole.Bad) {
			t.Fatalf("%d rows and %d bad, in parts %d and %d", len(whole.Rows), len(whole.Bad), len(parts.Rows), len(parts.Bad))
		}
		if records == nil {
			return
		}
		if n, ok := records(data); ok && n != len(whole.Rows)+len(whole.Bad) {
			t.Fatalf("%d rows and %d bad of %d records", len(whole.Rows), len(whole.Bad), n)
		}
	})
}

func mustBeInvalid(t *testing.T, err error) {
	t.Helper()
	if kind := fault.KindOf(err); kind != fault.Invalid {
		t.Fatalf("kind %v: %v", kind, err)
	}
}

func mustBeWhole(t *testing.T, got outcome) {
	t.Helper()
	if len(got.Rows) != len(got.Lines) {
		t.Fatalf("%d rows have %d lines", len(got.Rows), len(got.Lines))
	}
	for _, row := range got.Rows {
		for _, v := range row {
			if !json.Valid(v) {
				t.Fatalf("a value shows as %q", v)
			}
		}
	}
	for _, b := range got.Bad {
		if b.Line < 1 || b.Code == "" || b.Reason == "" {
			t.Fatalf("%+v lacks its place or its reason", b)
		}
	}
}

func FuzzCSV(f *testing.F) {
	header := false
	skip := 0
	o := Options{Format: CSV, Compression: Plain, Encoding: UTF8, Newline: "lf", Quote: None, Delimiter: ",", Escape: `\`, Decimal: ".", Header: &header, Skip: &skip, Dates: ISO, Nulls: []string{""}}
	fuzz(f, o, func(data []byte) (n int, ok bool) {
		for _, line := range strings.Split(string(bytes.TrimPrefix(data, mark)), "\n") {
			if strings.TrimSuffix(line, "\r") != "" {
				n++
			}
		}
		return n, true
	})
}

func FuzzQuotedCSV(f *testing.F) { fuzz(f, Options{Format: CSV}, nil) }
func FuzzDetection(f *testing.F) { fuzz(f, Options{}, nil) }
func FuzzJSON(f *testing.F) {
	fuzz(f, Options{Format: JSON, Compression: Plain, Encoding: UTF8}, countJSON)
}
func FuzzUnpacking(f *testing.F) { fuzz(f, Options{Format: NDJSON}, nil) }

func FuzzNDJSON(f *testing.F) {
	fuzz(f, Options{Format: NDJSON, Compression: Plain, Encoding: UTF8}, func(data []byte) (n int, ok bool) {
		for _, line := range bytes.Split(bytes.TrimPrefix(data, mark), []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				n++
			}
		}
		return n, true
	})
}

// countJSON counts the elements of a valid array, as encoding/json has them.
func countJSON(data []byte) (int, bool) {
	var elements []json.RawMessage
	err := json.Unmarshal(bytes.TrimPrefix(data, mark), &elements)
	return len(elements), err == nil && elements != nil
}

func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"1", "-0", "1.5", "12E4", "1e-3", "9223372036854775808", ".5", "1.", "007", "0.1e1", "4.9e-324", "1.7976931348623157e308", "9007199254740993.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := parseInt([]byte(s)); ok && s != dataset.FormatFloat(float64(n)) && dataset.ExactFloat(n) {
			t.Errorf("%q is read as %d", s, n)
		}
		checkFloat(t, s)
	})
}

func FuzzTimes(f *testing.F) {
	for _, s := range []string{"2024-02-29", "2024-01-02T03:04:05.123456789Z", "2024-01-02 03:04+02:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := time.Parse(time.RFC3339Nano, s)
		got, ok := parseTime([]byte(s), ISO)
		if err != nil || strings.Contains(s, ",") || len(s) > 40 {
			return
		}
		inRange := want.UnixMicro() >= firstTime && want.UnixMicro() <= lastTime
		if ok != inRange || ok && got != want.UnixMicro() {
			t.Errorf("%q is %d (%t), want %d", s, got, ok, want.UnixMicro())
		}
	})
}

func FuzzParquet(f *testing.F) {
	for _, name := range []string{"duckdb.parquet", "row_groups.parquet", "nan.parquet", "old_types.parquet", "no_rows.parquet"} {
		f.Add(made[name](f), uint8(3))
	}
	fuzz(f, Options{Format: Parquet}, nil)
}

func FuzzXLSX(f *testing.F) {
	for _, name := range []string{"workbook.xlsx", "rich_text.xlsx", "empty.xlsx"} {
		f.Add(made[name](f), uint8(3))
	}
	fuzz(f, Options{Format: XLSX}, nil)
}

// FuzzSheet reads any bytes as the XML of a sheet.
func FuzzSheet(f *testing.F) {
	f.Add(`<row r="2"><c t="s"><v>0</v></c><c t="inlineStr"><is><t>b</t></is></c></row><row r="9"><c r="C9" s="1"><v>5.5</v></c><c t="e"><v>#N/A</v></c></row>`, `<si><t>a_x000D_</t></si>`)
	f.Fuzz(func(t *testing.T, rows, shared string) {
		data := rawWorkbook(t, rows, shared)
		got, err := readAll(memory{data: data}, Options{}, nil, partLimits)
		if err != nil {
			mustBeInvalid(t, err)
			return
		}
		mustBeWhole(t, got)
	})
}
