package question

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/query"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func document(t *testing.T, f Flags) string {
	t.Helper()
	q, err := f.Query(now)
	if err != nil {
		return "refused: " + err.Error()
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(q); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

func TestFlagsStandForADocument(t *testing.T) {
	for name, c := range map[string]struct {
		flags Flags
		want  string
	}{
		"nothing asked counts": {Flags{Dataset: "web"}, `{"dataset":"web","measures":["count"]}`},
		"measures": {Flags{Dataset: "web", Measures: []string{"count", "sum:price", "revenue=sum:price", "p=quantile:ms:0.95", "n=count", "paid", "x=paid"}},
			`{"dataset":"web","measures":["count",{"op":"sum","column":"price"},{"name":"revenue","op":"sum","column":"price"},{"name":"p","op":"quantile","column":"ms","q":0.95},{"name":"n","op":"count"},"paid",{"name":"x","ref":"paid"}]}`},
		"one filter": {Flags{Dataset: "web", Filters: []string{"price>=10"}},
			`{"dataset":"web","measures":["count"],"filter":{"column":"price","op":">=","value":10}}`},
		"filters": {Flags{Dataset: "web", Filters: []string{"event = order paid", `id="7"`, "country in CH, DE", "n between 1,2", "url is_null", "a contains b=c", "big = 12345678901234567890"}},
			`{"dataset":"web","measures":["count"],"filter":{"and":[{"column":"event","op":"=","value":"order paid"},{"column":"id","op":"=","value":"7"},{"column":"country","op":"in","value":["CH","DE"]},{"column":"n","op":"between","value":[1,2]},{"column":"url","op":"is_null"},{"column":"a","op":"contains","value":"b=c"},{"column":"big","op":"=","value":12345678901234567890}]}}`},
		"a date is midnight in its zone": {Flags{Dataset: "web", From: "2026-01-01", To: "2026-07-01T00:00:00+02:00", Grain: "day", Zone: "Europe/Zurich"},
			`{"dataset":"web","measures":["count"],"time":{"from":"2025-12-31T23:00:00Z","to":"2026-07-01T00:00:00+02:00","grain":"day","zone":"Europe/Zurich"}}`},
		"so long ago":            {Flags{Dataset: "web", From: "2d"}, `{"dataset":"web","measures":["count"],"time":{"from":"2026-02-01T04:05:06Z"}}`},
		"order":                  {Flags{Dataset: "web", By: []string{"a"}, Order: []string{"-count", "a"}, Limit: 3}, `{"dataset":"web","measures":["count"],"dimensions":["a"],"order":[{"by":"count","desc":true},{"by":"a"}],"limit":3}`},
		"null is not compared":   {Flags{Filters: []string{"a=null"}}, `refused: filter "a=null": null is asked for by is_null and is_not_null`},
		"a filter without an op": {Flags{Filters: []string{"price"}}, `refused: filter "price": write column, op and value: one of != <= >= = < >, or between spaces between contains ends_with in is_not_null is_null not_in starts_with`},
		"a time that is none":    {Flags{From: "yesterday"}, `refused: from: "yesterday" is no date (2026-01-31), no time (2026-01-31T12:00:00Z) and not how long ago (7d, 12h)`},
		"a zone that is none":    {Flags{Zone: "Mars/Base"}, `refused: zone "Mars/Base" is no IANA time zone, such as Europe/Zurich`},
		"a share past one":       {Flags{Measures: []string{"quantile:a:95"}}, `refused: measure "quantile:a:95": "95" is no number from 0 to 1`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, document(t, c.flags)); diff != "" {
				t.Error("-want +got:\n" + diff)
			}
		})
	}
}

// FuzzQuery holds that whatever is typed is refused here, or makes a document that the
// server's decoder reads as what was typed: it may know no such op or grain, but never
// finds the shape wrong.
func FuzzQuery(f *testing.F) {
	f.Add("sum:price", "country", "price >= 10", "2026-01-01", "-count", 5)
	f.Add("p=quantile:a:0.5", "a", "x in 1,2", "7d", "a", 0)
	f.Add("x=y", "", "a not_in [null]", "", "", 1)
	f.Add("a=b=c", "é", "a between \"1\",2", "2026-01-01T00:00:00.5-07:00", "--a", 100)
	f.Fuzz(func(t *testing.T, measure, by, filter, from, order string, limit int) {
		flags := Flags{Dataset: "web", Measures: []string{measure}, By: []string{by}, Filters: []string{filter}, From: from, Order: []string{order}, Limit: limit}
		q, err := flags.Query(now)
		if err != nil {
			return
		}
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", q, err)
		}
		var shape struct {
			Measures   []json.RawMessage
			Dimensions []string
			Filter     struct{ Column, Op string }
			Time       *struct{ From time.Time }
			Order      []struct{ By string }
		}
		if err := json.Unmarshal(text, &shape); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(shape.Measures) != 1 || len(shape.Dimensions) != 1 || len(shape.Order) != 1 || shape.Filter.Column == "" {
			t.Errorf("%s lost something", text)
		}
		if op := shape.Filter.Op; !slices.Contains(signs, op) && !slices.Contains(wordList(), op) {
			t.Errorf("%s has the op %q", text, op)
		}
		if (shape.Time != nil) != (from != "") {
			t.Errorf("%s has another time than %q", text, from)
		}
	})
}

// FuzzFilter holds that a condition with an op and a value is one for the server too.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"a=1", "a != x y", "a in 1,2", "a between 1,2", "a is_null", `a contains "\u0000"`, "a starts_with [1]", "a<=>b", "a = "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Flags{Dataset: "web", Filters: []string{text}}.Query(now)
		if err != nil {
			return
		}
		body, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		got, err := query.Decode(body)
		if err != nil {
			if tooMuch(q) {
				return
			}
			t.Fatalf("%q became %s, which is refused: %v", text, body, err)
		}
		if got.Filter.Op != query.Comparison(q.Filter.Op) {
			t.Errorf("%q: op %q became %q", text, q.Filter.Op, got.Filter.Op)
		}
	})
}

// tooMuch reports whether a list is longer than the server takes.
func tooMuch(q Query) bool {
	list, is := q.Filter.Value.([]any)
	return is && len(list) > query.MaxValues
}
