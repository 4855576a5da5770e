package columnar_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	_ "github.com/duckdb/duckdb-go/v2" // the reader of another make
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/columnar"
)

// answer holds a value and a null of each type.
func answer() query.Result {
	columns := []struct {
		name  string
		typ   query.Type
		value query.Value
	}{
		{"z", query.Bool, query.BoolValue(true)},
		{"n", query.Int, query.IntValue(-9223372036854775808)},
		{"sum", query.Int, query.BigValue(new(big.Int).Lsh(big.NewInt(-3), 64))},
		{"past", query.Int, query.BigValue(new(big.Int).Lsh(big.NewInt(1), 127))},
		{"price", query.Decimal, query.DecimalValue("-12.30")},
		{"x", query.Float, query.FloatValue(0.1)},
		{"event", query.Text, query.TextValue("é\"")},
		{"event", query.JSON, query.TextValue(`{"a":1}`)},
		{"at", query.Timestamp, query.TimeValue(1_767_323_045_000_001)},
		{"day", query.Date, query.TextValue("1969-12-31")},
		{"clock", query.TimeDay, query.TextValue("23:59:59.999999")},
		{"took", query.Interval, query.TextValue("P1DT2S")},
		{"blob", query.Blob, query.TextValue("AP8=")},
	}
	r := query.Result{Rows: make([][]query.Value, 2)}
	for _, c := range columns {
		r.Columns = append(r.Columns, query.Column{Name: c.name, Type: c.typ})
		r.Rows[0] = append(r.Rows[0], c.value)
		r.Rows[1] = append(r.Rows[1], query.Value{})
	}
	return r
}

func TestAParquetFileHoldsTheAnswer(t *testing.T) {
	var b bytes.Buffer
	if err := columnar.WriteParquet(&b, answer()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "answer.parquet")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got [][3]string
	rows, err := db.Query("UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM '" + path + "' LIMIT 1) ON COLUMNS(*)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		var typ string
		if err := db.QueryRow(fmt.Sprintf("SELECT typeof(%q) FROM '%s'", name, path)).Scan(&typ); err != nil {
			t.Fatal(err)
		}
		got = append(got, [3]string{name, typ, value})
	}
	want := [][3]string{
		{"z", "BOOLEAN", "true"}, {"n", "BIGINT", "-9223372036854775808"}, {"sum", "DECIMAL(38,0)", "-55340232221128654848"},
		{"past", "VARCHAR", "170141183460469231731687303715884105728"}, {"price", "DECIMAL(38,2)", "-12.30"}, {"x", "DOUBLE", "0.1"},
		{"event", "VARCHAR", `é"`}, {"event_1", "VARCHAR", `{"a":1}`}, {"at", "TIMESTAMP WITH TIME ZONE", "2026-01-02 03:04:05.000001+00"},
		{"day", "DATE", "1969-12-31"}, {"clock", "TIME", "23:59:59.999999"}, {"took", "VARCHAR", "P1DT2S"}, {"blob", "BLOB", `\x00\xFF`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var nulls int
	if err := db.QueryRow("SELECT count(*) - count(z) FROM '" + path + "'").Scan(&nulls); err != nil || nulls != 1 {
		t.Error(nulls, err)
	}
}

func TestAnArrowStreamHoldsTheAnswer(t *testing.T) {
	var b bytes.Buffer
	if err := columnar.WriteArrow(&b, answer()); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var got [][3]string
	for r.Next() {
		batch := r.RecordBatch()
		for i, f := range r.Schema().Fields() {
			got = append(got, [3]string{f.Name, f.Type.String(), batch.Column(i).ValueStr(0)})
			if !batch.Column(i).IsNull(1) {
				t.Errorf("%s: the second row is not null", f.Name)
			}
		}
	}
	if err := r.Err(); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	want := [][3]string{
		{"z", "bool", "true"}, {"n", "int64", "-9223372036854775808"}, {"sum", "decimal(38, 0)", "-55340232221128654848"},
		{"past", "utf8", "170141183460469231731687303715884105728"}, {"price", "decimal(38, 2)", "-12.3"}, {"x", "float64", "0.1"},
		{"event", "utf8", `é"`}, {"event", "utf8", `{"a":1}`}, {"at", "timestamp[us, tz=UTC]", "2026-01-02T03:04:05.000001Z"},
		{"day", "date32", "1969-12-31"}, {"clock", "time64[us]", "23:59:59.999999"}, {"took", "utf8", "P1DT2S"}, {"blob", "binary", "AP8="},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
