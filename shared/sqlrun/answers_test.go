package sqlrun_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

// TestWhatTheGatePassesIsAnswered runs the gate's corpus of honest statements, most of
// which read few columns: none may find that one was not brought along. A run with
// -short takes every fourth, as each starts a process.
func TestWhatTheGatePassesIsAnswered(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	w.events(t, "web", 100)
	w.events(t, "shop", 10)
	file, err := os.Open(filepath.Join("..", "sqlgate", "testdata", "honest.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stride, n := 1, 0
	if testing.Short() {
		stride = 4
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		_, text, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			continue
		}
		if n++; n%stride != 0 {
			continue
		}
		var values []any
		switch {
		case strings.Contains(text, "$name"):
			text, values = strings.ReplaceAll(text, "$name", "$1"), []any{"view"}
		case strings.Contains(text, "$2"):
			text, values = strings.ReplaceAll(text, "?", "$1"), []any{"view", "x"}
		case strings.Contains(text, "?"):
			values = []any{int64(1)}
		}
		if _, err := w.ask(t.Context(), strings.ReplaceAll(text, `\n`, "\n"), values...); err != nil {
			t.Errorf("%s\n  gives %v", text, err)
		}
	}
}

func TestValuesComeInTheFormThatIsDocumented(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	documented := map[string]struct {
		typ   query.Type
		value string
	}{
		"true": {query.Bool, "true"},
		"(-128)::tinyint + 255::utinyint - 1::hugeint":                           {query.Int, "126"},
		"18446744073709551615::ubigint":                                          {query.Int, "18446744073709551615"},
		"-170141183460469231731687303715884105727":                               {query.Int, "-170141183460469231731687303715884105727"},
		"'123456789012345678901234567890123456789012345678901234567890'::bignum": {query.Int, "123456789012345678901234567890123456789012345678901234567890"},
		"0.1::float":             {query.Float, "0.10000000149011612"},
		"1e300":                  {query.Float, "1e+300"},
		"'nan'::double":          {query.Float, "null"},
		"1.10":                   {query.Decimal, "1.10"},
		"(-0.05)::decimal(3, 2)": {query.Decimal, "-0.05"},
		"12345678901234567890123456789.123456789": {query.Decimal, "12345678901234567890123456789.123456789"},
		"'é\"'":                   {query.Text, `"é\""`},
		"chr(0) || 'x'":           {query.Text, `"\u0000x"`},
		"'a'::enum('a', 'b,(''')": {query.Text, `"a"`},
		"'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid": {query.Text, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`},
		"'0101'::bit":                                            {query.Text, `"0101"`},
		"'\\x00\\xff'::blob":                                     {query.Blob, `"AP8="`},
		"date '2026-01-02'":                                      {query.Date, `"2026-01-02"`},
		"time '24:00:00'":                                        {query.TimeDay, `"24:00:00"`},
		"time '01:02:03.000004'":                                 {query.TimeDay, `"01:02:03.000004"`},
		"'01:02:03+02'::timetz":                                  {query.Text, `"01:02:03+02"`},
		"timestamp '2026-01-02 03:04:05.6'":                      {query.Timestamp, `"2026-01-02T03:04:05.6Z"`},
		"'2026-01-02 03:04:05+02'::timestamptz":                  {query.Timestamp, `"2026-01-02T01:04:05Z"`},
		"'2026-01-02 03:04:05'::timestamp_s":                     {query.Timestamp, `"2026-01-02T03:04:05Z"`},
		"'2026-01-02 03:04:05.123456789'::timestamp_ns":          {query.Text, `"2026-01-02 03:04:05.123456789"`},
		"interval '1 year 2 months -3 days 4 hours 5.5 seconds'": {query.Interval, `"P1Y2M-3DT4H5.5S"`},
		"interval '-1.5 seconds'":                                {query.Interval, `"PT-1.5S"`},
		"interval 0 days":                                        {query.Interval, `"PT0S"`},
		"'{\"b\": 12345678901234567890.5, \"a\": 1}'::json":      {query.JSON, `"{\"b\": 12345678901234567890.5, \"a\": 1}"`},
		"[1, null]":                                              {query.JSON, `"[1,null]"`},
		"[1, 2]::int[2]":                                         {query.JSON, `"[1,2]"`},
		"{'b': date '2026-01-02', 'a \"': [1.10]}":               {query.JSON, `"{\"b\":\"2026-01-02\",\"a \\\"\":[1.10]}"`},
		"row(1, 'x', row(timestamp '2026-01-02'))":               {query.JSON, `"[1,\"x\",[\"2026-01-02T00:00:00Z\"]]"`},
		"map {'x': 1, 'y': null}":                                {query.JSON, `"{\"x\":1,\"y\":null}"`},
		"map {1: 'x'}":                                           {query.JSON, `"[[1,\"x\"]]"`},
		"union_value(a := [json '{}'])":                          {query.JSON, `"{\"a\":[{}]}"`},
		"[{'u': '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid}]":  {query.JSON, `"[{\"u\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"}]"`},
		"null": {query.Int, "null"},
	}
	expressions := slices.Sorted(maps.Keys(documented))
	named := make([]string, len(expressions))
	for i, sql := range expressions {
		named[i] = fmt.Sprintf("%s as v%d", sql, i)
	}
	r, err := w.ask(t.Context(), "select "+strings.Join(named, ", ")) // one process for all
	if err != nil {
		t.Fatal(err)
	}
	for i, sql := range expressions {
		want := documented[sql]
		if got := r.Rows[0][i].String(); r.Columns[i] != (query.Column{Name: fmt.Sprint("v", i), Type: want.typ}) || got != want.value {
			t.Errorf("%s is %v %s, want %s %s", sql, r.Columns[i], got, want.typ, want.value)
		}
	}
	for _, sql := range []string{"select timestamp 'infinity'", "select date '-infinity'", "select timestamp '20000-01-01'", "select date '0044-03-15 (BC)'"} {
		if _, err := w.ask(t.Context(), sql); codeOf(err) != "sql_value" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestColumnsHaveNamesThatSQLTellsApart(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	w.events(t, "web", 2)
	got, err := w.ask(t.Context(), "select url, Url_1 from web where price = 1")
	if diff := cmp.Diff([][]string{{`"/A"`, `"/a"`}}, show(got)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestTheOrderOfTheRowsIsTheStatements(t *testing.T) {
	w := newWorld(t, sqlrun.Config{Threads: 4})
	got, err := w.ask(t.Context(), "select uuid() as u, (range * 7919) % 100003 as n from range(100003) order by n desc")
	if err != nil || len(got.Rows) != query.MaxLimit || !got.Stats.Truncated {
		t.Fatalf("%d rows, truncated %v, %v", len(got.Rows), got.Stats.Truncated, err)
	}
	for i, row := range got.Rows {
		if row[1].Int() != int64(100_002-i) {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}

func TestAViewHoldsTheRowsOfItsFilterAlone(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	w.events(t, "web", 100)
	over := w.datasets["web"]
	at := query.Field{Name: dataset.ColumnTime, Type: dataset.Time}
	over.View.Rows = &query.Expr{Node: query.NodeAnd, Args: []query.Expr{
		{Node: query.NodeEqual, Field: &query.Field{Name: dataset.ColumnUserID, Type: dataset.Text}, Values: []query.Value{query.TextValue("u3")}},
		{Node: query.NodeLess, Field: &at, Values: []query.Value{query.TimeValue(start.UnixMicro() + 80*60e6)}},
	}}
	w.datasets["web"] = over
	got, err := w.ask(t.Context(), "select count(*), min(user_id), max(price), max(time) from web")
	if diff := cmp.Diff([][]string{{"8", `"u3"`, "73", `"2026-01-02T04:17:05Z"`}}, show(got)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestAnAnswerHasASize(t *testing.T) {
	w := newWorld(t, sqlrun.Config{MaxAnswer: 1 << 20})
	if _, err := w.ask(t.Context(), "select repeat('x', 100000) from range(20)"); codeOf(err) != "answer_too_large" || !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if got, err := w.ask(t.Context(), "select repeat('x', 100000) from range(5)"); err != nil || len(got.Rows) != 5 {
		t.Error(err)
	}
}

func TestAStatementReadsFewDatasets(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	var tables []string
	for i := range sqlrun.MaxDatasets + 1 {
		name := dataset.Name("data_" + string(rune('a'+i)))
		w.events(t, name, 1)
		tables = append(tables, string(name))
	}
	if _, err := w.ask(t.Context(), "select 1 from "+strings.Join(tables, ", ")); codeOf(err) != "sql_many_datasets" {
		t.Error(err)
	}
	got, err := w.ask(t.Context(), "select count(*) from "+strings.Join(tables[1:], ", "))
	if err != nil || got.Rows[0][0].Int() != 1 || len(got.Versions) != sqlrun.MaxDatasets {
		t.Errorf("%v %v %v", show(got), got.Versions, err)
	}
}

func TestParametersAreValuesAndNothingElse(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	w.events(t, "web", 10)
	for _, value := range []any{"x' or 1=1 --", "é\x00", int64(-1), 0.5, true, nil, strings.Repeat("x", 1<<20)} {
		got, err := w.ask(t.Context(), "select ? as v, count(*) from web where event = 'view'", value)
		if err != nil {
			t.Fatalf("%.20v: %v", value, err)
		}
		if got.Rows[0][1].Int() != 5 {
			t.Errorf("%.20v: %v", value, show(got))
		}
		if text, ok := value.(string); ok && got.Rows[0][0].Text() != text {
			t.Errorf("%.20q comes back as %.20q", text, got.Rows[0][0].Text())
		}
	}
}
