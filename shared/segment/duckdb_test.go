package segment

import (
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// duck answers queries on segments' files, which they name with %s.
func duck(t *testing.T, bodies ...[]byte) func(query string) [][]any {
	t.Helper()
	var files []string
	for i, body := range bodies {
		file := filepath.Join(t.TempDir(), fmt.Sprint(i, ".parquet"))
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, "'"+file+"'")
	}
	list := "[" + strings.Join(files, ", ") + "]"
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return func(query string) [][]any {
		t.Helper()
		result, err := db.Query(strings.ReplaceAll(query, "%s", list))
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		defer result.Close()
		names, err := result.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var all [][]any
		for result.Next() {
			row, into := make([]any, len(names)), make([]any, len(names))
			for i := range row {
				into[i] = &row[i]
			}
			if err := result.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		if err := result.Err(); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return all
	}
}

// shown is what DuckDB should answer for a row of a column.
func shown(c *rows.Column, row int) any {
	switch {
	case c.IsNull(row):
		return nil
	case c.Type == dataset.Bool:
		return c.Ints[row] == 1
	case c.Type == dataset.Int:
		return c.Ints[row]
	case c.Type == dataset.Float:
		return c.Float[row]
	case c.Type == dataset.Time:
		return time.UnixMicro(c.Ints[row]).UTC()
	default:
		return string(c.Text(row))
	}
}

// checkDuck compares every value of a batch with what DuckDB reads of its segment.
func checkDuck(t *testing.T, batch rows.Batch, order []int32) {
	t.Helper()
	ref, body, err := Encode(origin, batch, order)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, c := range ref.Columns {
		held[c.Name] = true
	}
	var names []string
	var columns []*rows.Column
	for i := range batch.Columns {
		c := &batch.Columns[i]
		name := c.Name
		switch {
		case i >= rows.FirstProperty && !held[name]:
			if hasValue(c, orderOf(batch, order)) {
				t.Errorf("column %q is missing", name)
			}
			continue
		case i >= rows.FirstProperty:
			name = PhysicalName(name)
		case i == rows.EventID:
			name += "::varchar"
		}
		names, columns = append(names, name), append(columns, c)
	}
	got := duck(t, body)("select day, " + strings.Join(names, ", ") + " from read_parquet(%s)")
	order = orderOf(batch, order)
	if len(got) != len(order) {
		t.Fatalf("%d rows, want %d", len(got), len(order))
	}
	for i, row := range order {
		want := []any{time.UnixMicro(batch.Columns[rows.Time].Ints[row]).UTC().Truncate(24 * time.Hour)}
		for _, c := range columns {
			want = append(want, shown(c, int(row)))
		}
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Fatalf("row %d (-want +got):\n%.2000s", row, diff)
		}
	}
}

// build makes a batch of events with the given properties, under one schema.
func build(t *testing.T, all ...*events.Event) rows.Batch {
	t.Helper()
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "at", Type: dataset.Time, Declared: true}}}
	for _, e := range all {
		schema, _, _ = rows.Resolve(schema, e, dataset.Keep)
	}
	b := rows.NewBuilder(schema, dataset.Keep)
	for i, e := range all {
		if e.ID == "" {
			e.ID = fmt.Sprint("id-", i)
		}
		e.Name = "event"
		b.Append(e, int64(i)*1000)
	}
	return b.View()
}

func with(at time.Time, names string, values ...events.Value) *events.Event {
	return &events.Event{Time: at.UnixMicro(), Shape: &events.Shape{Names: strings.Fields(names)}, Values: values}
}

func number(i int64) events.Value    { return events.Value{Kind: events.Int, Int: i} }
func decimal(f float64) events.Value { return events.Value{Kind: events.Float, Float: f} }
func words(s string) events.Value    { return events.Value{Kind: events.Text, Text: s} }

func TestDuckDBReadsEveryTypeBackEqual(t *testing.T) {
	day := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	names := "b i f s j at URL url ünï-cödé a_B a__b only_null"
	all := []*events.Event{
		with(time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC), names),
		with(time.Date(2199, 12, 31, 23, 59, 59, 999_999_000, time.UTC), names),
		with(day, names),
		with(time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), ""),
	}
	null := events.Value{}
	all[0].Values = []events.Value{{Kind: events.Bool, Int: 1}, number(math.MinInt64), decimal(-0.5), words(""),
		{Kind: events.JSON, Text: `{"a":[1,2]}`}, words("1900-01-01T00:00:00Z"), words("/up"), words("/down"), words("ü"), number(1), number(2), null}
	all[1].Values = []events.Value{{Kind: events.Bool}, number(math.MaxInt64), decimal(1e300), words("NUL \x00 in it"),
		words("text among json"), words("2199-12-31T23:59:59.999999Z"), words("/UP"), null, null, null, null, null}
	all[2].Values = []events.Value{null, null, null, null, null, words("not a time"), null, null, null, null, null, null}
	all[3].Shape, all[3].UserID, all[3].AnonymousID, all[3].SessionID = nil, "u", "a", "s"
	checkDuck(t, build(t, all...), nil)
	checkDuck(t, build(t, all...), []int32{3, 1})
}

func TestDuckDBReadsLongAndManyValues(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var all []*events.Event
	for i := range 2000 {
		long := fmt.Sprintf("%d%s", i, strings.Repeat("x", i*2))
		all = append(all, with(at.Add(time.Duration(i)*time.Hour), "long n sparse", words(long), number(int64(i)*7919), events.Value{}))
		if i%7 == 0 {
			all[i].Values[2] = decimal(float64(i) / 3)
		}
	}
	all[500].Values[0] = events.Value{Kind: events.JSON, Text: `{"a":"` + strings.Repeat("y", 1<<20) + `"}`}
	checkDuck(t, build(t, all...), nil)
}

func TestDuckDBReadsTheMostColumns(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var names []string
	var values []events.Value
	for i := range dataset.MaxColumns + 10 {
		names, values = append(names, fmt.Sprint("c", i)), append(values, number(int64(i)))
	}
	all := []*events.Event{with(at, strings.Join(names, " "), values...), with(at, "c3", number(-1))}
	checkDuck(t, build(t, all...), nil)
}

func TestDuckDBReadsSeveralRowGroups(t *testing.T) {
	batch := clicks(300_000)
	ref, body, err := Encode(origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	query := duck(t, body)
	sum, users := 0.0, map[string]bool{}
	for row := range batch.Len {
		users[string(batch.Columns[rows.UserID].Text(row))] = true
		if revenue := &batch.Columns[rows.FirstProperty+1]; !revenue.IsNull(row) {
			sum += revenue.Float[row]
		}
	}
	got := query("select count(*), count(distinct event_id), count(distinct user_id), round(sum(p_revenue)*100) from read_parquet(%s)")
	if diff := cmp.Diff([]any{ref.Rows, ref.Rows, int64(len(users)), math.Round(sum * 100)}, got[0]); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	got = query("select count(distinct row_group_id) from parquet_metadata(%s)")
	if got[0][0] != int64(3) {
		t.Errorf("%v row groups, want 3", got[0][0])
	}
}

func TestDuckDBPrunesByOurStatisticsAndFilters(t *testing.T) {
	batch := clicks(1000)
	_, body, err := Encode(origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	query := duck(t, body)
	id := string(batch.Columns[rows.EventID].Text(7))
	if got := query("select bloom_filter_excludes from parquet_bloom_probe(%s, 'event_id', '" + id + "'::uuid)"); got[0][0] != false {
		t.Errorf("the filter excludes a row that is there")
	}
	excluded := 0
	for i := range 200 {
		got := query(fmt.Sprintf("select bloom_filter_excludes from parquet_bloom_probe(%%s, 'user_id', 'nobody-%d')", i))
		if got[0][0] == true {
			excluded++
		}
	}
	if excluded < 190 {
		t.Errorf("the filter excludes %d of 200 users that are not there", excluded)
	}
	got := query("select stats_min_value, stats_max_value, stats_null_count from parquet_metadata(%s) where path_in_schema = 'p_revenue'")
	revenue := &batch.Columns[rows.FirstProperty+1]
	low, high, null := math.Inf(1), math.Inf(-1), int64(0)
	for row := range batch.Len {
		if revenue.IsNull(row) {
			null++
			continue
		}
		low, high = min(low, revenue.Float[row]), max(high, revenue.Float[row])
	}
	if diff := cmp.Diff([]any{fmt.Sprint(low), fmt.Sprint(high), null}, got[0]); diff != "" {
		t.Errorf("statistics of revenue (-want +got):\n%s", diff)
	}
}

func TestDuckDBReadsOldAndNewSchemasTogether(t *testing.T) {
	at := time.UnixMicro(0)
	_, old, err := Encode(origin, build(t, with(at, "n gone", number(7), words("x")), with(at, "n", number(-1))), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, young, err := Encode(origin, build(t, with(at, "n more", decimal(0.5), words("y"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := duck(t, old, young)("select p_n, p_gone, p_more from read_parquet(%s, union_by_name = true) order by 1")
	want := [][]any{{-1.0, nil, nil}, {0.5, nil, "y"}, {7.0, "x", nil}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestUUIDsAreStoredShortOnlyWhereTheyComeBackAsTheyWere(t *testing.T) {
	lower, upper := "0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-D9CB-469F-A165-70867728950E"
	cases := map[string]struct {
		ids  []string
		uuid bool
	}{
		"canonical ones":           {[]string{lower, "00000000-0000-0000-0000-000000000000"}, true},
		"one in upper case":        {[]string{lower, upper}, false},
		"one without hyphens":      {[]string{strings.ReplaceAll(lower, "-", "")}, false},
		"one in braces":            {[]string{"{" + lower + "}"}, false},
		"one with another letter":  {[]string{"g" + lower[1:]}, false},
		"one with a space for '-'": {[]string{strings.Replace(lower, "-", " ", 1)}, false},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			var all []*events.Event
			for _, id := range c.ids {
				all = append(all, &events.Event{ID: id})
			}
			batch := build(t, all...)
			ref, _, err := Encode(origin, batch, nil)
			if err != nil || ref.UUID != c.uuid {
				t.Errorf("UUID = %v, %v", ref.UUID, err)
			}
			checkDuck(t, batch, nil)
		})
	}
}
