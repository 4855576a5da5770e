package query_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/query"
)

func TestAnAnswerInJSONHasTheContractsShape(t *testing.T) {
	huge, _ := new(big.Int).SetString("170141183460469231731687303715884105727", 10)
	r := query.Result{
		Columns: []query.Column{{Name: "time", Type: query.Timestamp}, {Name: "sum", Type: query.Int}, {Name: "avg", Type: query.Float}, {Name: `a"b`, Type: query.Text}, {Name: "ok", Type: query.Bool}},
		Rows: [][]query.Value{
			{query.TimeValue(1767308400_000000), query.BigValue(huge), query.FloatValue(0.1), query.TextValue("é\n\"<"), query.BoolValue(true)},
			{query.Value{}, query.IntValue(-1), query.FloatValue(math.Inf(1)), query.TextValue(""), query.Value{}},
		},
		Version: 12, Stats: query.Stats{RowsScanned: 5, Segments: 1, SegmentsPruned: 2, Bytes: 9, Millis: 1.5},
	}
	var b strings.Builder
	if err := query.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	want := `{"columns":[{"name":"time","type":"timestamp"},{"name":"sum","type":"int"},{"name":"avg","type":"float"},{"name":"a\"b","type":"text"},{"name":"ok","type":"bool"}],` +
		`"rows":[["2026-01-01T23:00:00Z",170141183460469231731687303715884105727,0.1,"é\n\"\u003c",true],[null,-1,null,"",null]],` +
		`"version":12,"stats":{"rows_scanned":5,"segments":1,"segments_pruned":2,"segments_kept":0,"bytes":9,"ms":1.5,"truncated":false,"kept":false}}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTextsSurviveBothEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := query.Result{Columns: []query.Column{{Name: "x", Type: query.Text}, {Name: "y", Type: query.Text}}}
		var want [][]string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := []string{rapid.String().Draw(t, "x"), rapid.String().Draw(t, "y")}
			want = append(want, row)
			r.Rows = append(r.Rows, []query.Value{query.TextValue(row[0]), query.TextValue(row[1])})
		}
		var asJSON, asCSV strings.Builder
		if err := query.WriteJSON(&asJSON, r); err != nil {
			t.Fatal(err)
		}
		if err := query.WriteCSV(&asCSV, r); err != nil {
			t.Fatal(err)
		}
		var decoded struct{ Rows [][]string }
		if err := json.Unmarshal([]byte(asJSON.String()), &decoded); err != nil {
			t.Fatal(err)
		}
		if len(want) > 0 && !cmp.Equal(want, decoded.Rows) {
			t.Fatal(cmp.Diff(want, decoded.Rows))
		}
		for i := range want {
			for j := range want[i] { // the reader turns these into \n
				want[i][j] = strings.ReplaceAll(want[i][j], "\r\n", "\n")
			}
		}
		records, err := csv.NewReader(strings.NewReader(asCSV.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([][]string{{"x", "y"}}, want...), records); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAValueIsNoLongerThanItsSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, v := range []query.Value{
			{}, query.BoolValue(false), query.IntValue(rapid.Int64().Draw(t, "int")), query.FloatValue(rapid.Float64().Draw(t, "float")),
			query.TextValue(rapid.String().Draw(t, "text")), query.TimeValue(rapid.Int64Range(-62135596800_000000, 253402300799_999999).Draw(t, "time")),
		} {
			if got := len(v.AppendJSON(nil)) + 1; got > v.Size() {
				t.Fatalf("%s takes %d bytes, more than %d", v, got, v.Size())
			}
		}
	})
}

func TestCSVTellsNullFromEmptyText(t *testing.T) {
	r := query.Result{Columns: []query.Column{{Name: "a,b", Type: query.Text}, {Name: "n", Type: query.Int}},
		Rows: [][]query.Value{{query.TextValue(""), query.Value{}}, {query.Value{}, query.IntValue(1)}}}
	var b strings.Builder
	if err := query.WriteCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	if want := "\"a,b\",n\r\n\"\",\r\n,1\r\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
