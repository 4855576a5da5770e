package sqltable

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// fact is a row of the model. Its cursor may be null.
type fact struct {
	at *int
	n  int64
}

// literal is a value that is often equal to another, or null.
func literal(t *rapid.T, name string, values ...string) string {
	return rapid.SampledFrom(append(values, "NULL")).Draw(t, name)
}

// store adds some rows to table and model. Ties are many.
func store(t *rapid.T, db *sql.DB, model []fact) []fact {
	for range rapid.IntRange(0, 12).Draw(t, "rows") {
		f := fact{n: int64(len(model))}
		at := "NULL"
		if rapid.IntRange(0, 9).Draw(t, "has cursor") > 0 {
			n := rapid.IntRange(0, 6).Draw(t, "at")
			f.at, at = &n, fmt.Sprint(n)
		}
		exec(t, db, "INSERT INTO things VALUES (%s, %s, %s, %d, 'w')", at, literal(t, "a", "'x'", "'X'", "'y'", "''"), literal(t, "b", "1", "2"), f.n)
		model = append(model, f)
	}
	return model
}

// some reads batches until as many were read, or there are no more, and returns the
// numbers of their rows and where reading goes on.
func some(t *rapid.T, s *Source, table connector.Table, from json.RawMessage, rows, most int) (all []int64, next json.RawMessage, ended bool) {
	next, ended = from, true
	for b, err := range s.Read(t.Context(), connector.Read{Table: table, From: from, Rows: rows}) {
		if err != nil {
			t.Fatal(err)
		}
		if unique := slices.Equal(table.Key, []string{"n"}); unique && b.Rows.Len > rows {
			t.Fatalf("%d rows in a batch of %d", b.Rows.Len, rows)
		}
		all = append(all, b.Rows.Columns[3].Ints[:b.Rows.Len]...)
		next = b.Next
		if most--; most == 0 {
			return all, next, false
		}
	}
	return all, next, ended
}

func TestAPassHasEachRowOnceHoweverOftenItIsInterrupted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		db, s := openLite(t)
		var model []fact
		table := connector.Table{Table: "things", Dataset: "things", Cursor: "at", Window: "2"}
		table.Key = rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}, {"b", "a"}, {"n"}, {"at"}, {"b", "at"}}).Draw(rt, "key")
		var next json.RawMessage
		read := -1 // the last cursor of the pass before
		for pass := range 3 {
			model = store(rt, db, model)
			var want []int64
			through := read
			for _, f := range model {
				from := read - 2
				if len(table.Key) == 0 {
					from = read + 1
				}
				if f.at != nil {
					through = max(through, *f.at)
				}
				if f.at != nil && (*f.at >= from || pass == 0) {
					want = append(want, f.n)
				}
			}
			read = through
			var got []int64
			for ended := false; !ended; {
				var part []int64
				part, next, ended = some(rt, s, table, next, rapid.IntRange(1, 5).Draw(rt, "rows"), rapid.IntRange(1, 4).Draw(rt, "batches"))
				if ended || !midway(rt, next) { // the pass ended with its last batch
					ended = true
				}
				got = append(got, part...)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("pass %d by %v: -want +got:\n%s", pass, table.Key, diff)
			}
		}
	})
}

// midway reports whether a position is within a pass.
func midway(t *rapid.T, next json.RawMessage) bool {
	var at position
	if next != nil {
		if err := json.Unmarshal(next, &at); err != nil {
			t.Fatal(err)
		}
	}
	return at.Through != nil
}

var byNumber = connector.Table{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"n"}}

// numbers begins a statement that has those to 400.
const numbers = `WITH RECURSIVE numbers(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < 400) `

func TestABatchHasBoundedBytesHoweverTheWidthsOfRowsChange(t *testing.T) {
	db, s := openLite(t)
	s.limits = limits{first: 4, rows: 10_000, bytes: 20_000}
	exec(t, db, numbers+`INSERT INTO things SELECT value, 'a', 1, value, CASE WHEN value > 300 THEN printf('%%.*c', 3000, 'w') ELSE 'w' END FROM numbers`)
	got, widest := 0, int64(0)
	for b, err := range s.Read(t.Context(), connector.Read{Table: byNumber}) {
		if err != nil {
			t.Fatal(err)
		}
		got += b.Rows.Len
		widest = max(widest, b.Rows.Size())
	}
	if got != 400 || widest > 2*s.limits.bytes {
		t.Errorf("%d rows in batches of up to %d bytes", got, widest)
	}
}

func TestMoreRowsWithOneCursorThanMemoryHoldsAreRefused(t *testing.T) {
	db, s := openLite(t)
	s.limits = limits{first: 4, rows: 10_000, bytes: 20_000}
	exec(t, db, numbers+`INSERT INTO things SELECT 7, 'a', 1, value, printf('%%.*c', 3000, 'w') FROM numbers`)
	keyless := byNumber
	keyless.Key = nil
	for _, err := range s.Read(t.Context(), connector.Read{Table: keyless}) {
		if !fault.Is(err, fault.TooLarge) {
			t.Errorf("%v", err)
		}
	}
	for _, err := range s.Read(t.Context(), connector.Read{Table: byNumber}) {
		if err != nil {
			t.Errorf("with a key: %v", err)
		}
	}
}

func TestAWindowGoesBackExactly(t *testing.T) {
	date, moment := TimeBack("2006-01-02"), TimeBack("2006-01-02 15:04:05.999999")
	for claim, c := range map[string]struct {
		back   func(string, connector.Window) (string, error)
		at     string
		window connector.Window
		want   string
	}{
		"ten minutes over the end of a day": {moment, "2026-03-01 00:05:00.000001", "", "2026-02-28 23:55:00.000001"},
		"a day is one's beginning":          {date, "2026-03-01", "10m", "2026-02-28"},
		"nothing":                           {moment, "2026-03-01 00:05:00.1", "0s", "2026-03-01 00:05:00.1"},
		"before the calendar":               {date, "0001-01-01", "10m", "0001-01-01"},
		"no day":                            {date, "2026-00-00", "10m", "2026-00-00"},
		"whole numbers":                     {NumberBack, "5", "", "-995"},
		"beyond 64 bits":                    {NumberBack, "18446744073709551615", "1", "18446744073709551614"},
		"below 64 bits":                     {NumberBack, "-9223372036854775808", "1", "-9223372036854775809"},
		"decimals":                          {NumberBack, "12345678901234567890.0125", "1000", "12345678901234566890.0125"},
		"texts have none":                   {TextBack, "abc", "1000", "abc"},
	} {
		t.Run(claim, func(t *testing.T) {
			if got, err := c.back(c.at, c.window); err != nil || got != c.want {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestValuesAreWhatTheDriverGave(t *testing.T) {
	for want, value := range map[string]any{
		"0.1": float32(0.1), "0.3333333333333333": 1.0 / 3, "-9223372036854775808": int64(-1 << 63), "true": true, "": "", "x": []byte("x"),
	} {
		var c cell
		if err := c.Scan(value); err != nil || c.text == nil || string(c.text) != want {
			t.Errorf("%v is %q, %v", value, c.text, err)
		}
	}
	b := rows.NewValueBuilder([]dataset.Column{{Name: "n", Type: dataset.Int}})
	AddInt(b.Column(0), []byte("1"))
	b.EndRow()
	AddInt(b.Column(0), []byte("18446744073709551615"))
	b.EndRow()
	if rows := b.Batch(); rows.Columns[0].Type != dataset.Text || string(rows.Columns[0].Text(1)) != "18446744073709551615" {
		t.Errorf("%+v", rows)
	}
}
