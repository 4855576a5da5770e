package httpjson_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/secret"
)

func configOf(url string, tables ...connector.Table) connector.Config {
	return connector.Config{DSN: secret.New([]byte(url)), Tables: tables}
}

func TestTheItemsOfAnAnswerAreFoundAndNotGuessed(t *testing.T) {
	for _, c := range []struct {
		settings, answer string
		rows             []string
		code             string
	}{
		{``, `[{"id": 1}, {"id": 2}]`, []string{`{"id":1}`, `{"id":2}`}, ""},
		{``, "\ufeff" + `{"data": [{"id": 1}], "count": 1, "names": ["a"]}`, []string{`{"id":1}`}, ""},
		{``, `{"data": [], "errors": []}`, nil, ""},
		{``, `{"data": [{"id": 1}], "errors": []}`, nil, "no_items"},
		{``, `{"data": [{"id": 1}], "included": [{"id": 2}]}`, nil, "no_items"},
		{`{"items": "data"}`, `{"data": [{"id": 1}], "included": [{"id": 2}]}`, []string{`{"id":1}`}, ""},
		{``, `{"id": 1}`, nil, "no_items"},
		{``, `"text"`, nil, "no_items"},
		{`{"items": ""}`, `{"id": 1, "lines": [{"n": 1}]}`, []string{`{"id":1,"lines":[{"n":1}]}`}, ""},
		{`{"items": "/a/0/b"}`, `{"a": [{"b": [{"id": 1}]}]}`, []string{`{"id":1}`}, ""},
		{`{"items": "a"}`, `{"a": null}`, nil, ""},
		{`{"items": "a"}`, `{"a": 1}`, nil, "no_items"},
		{`{"items": "a"}`, `{"b": []}`, nil, "no_items"},
		{``, ``, nil, "answer_cut_off"},
		{``, `{"data": [{"id": 1}], "meta": {"next_cursor": "abc"}}`, nil, "more_pages"},
		{``, `{"data": [{"id": 1}], "has_more": true}`, nil, "more_pages"},
		{``, `{"data": [{"id": 1}], "next": null, "has_more": false}`, []string{`{"id":1}`}, ""},
		{`{"pagination": {"kind": "none"}}`, `{"data": [{"id": 1}], "has_more": true}`, []string{`{"id":1}`}, ""},
		{`{"pagination": {"kind": "page", "param": "page"}, "tables": {"things": {"pagination": {"kind": "none"}}}}`, `[{"id": 1}]`, []string{`{"id":1}`}, ""},
	} {
		out := read(t, always(c.answer), reading{settings: c.settings})
		if diff := cmp.Diff(c.rows, out.rows); diff != "" || codeOf(out.err) != c.code {
			t.Errorf("%s of %s: %v", c.settings, c.answer, out)
		}
	}
}

func TestWhatIsNoRowIsTold(t *testing.T) {
	answer := `[{"id": 1}, 2, null, "x", [3], {"id": 4, "id": 5}, {"id": null}, {"name": "none"}, {"id": 6, "s": "\ud800"}, {"id": 7}]`
	out := read(t, always(answer), reading{table: connector.Table{Table: "things", Key: []string{"id"}}})
	slices.Sort(out.bad)
	want := []string{"bad_escape", "duplicate_name", "no_key", "no_key", "not_an_object", "not_an_object", "not_an_object", "not_an_object"}
	if diff := cmp.Diff(want, out.bad); diff != "" || len(out.rows) != 2 || out.err != nil {
		t.Errorf("%v: %s", out, diff)
	}
}

// TestAListThatDoesNotEndIsRefused has APIs that were told of wrongly, or never end.
func TestAListThatDoesNotEndIsRefused(t *testing.T) {
	count := 0
	numbered := func(w http.ResponseWriter, _ *http.Request) {
		count++
		_, _ = fmt.Fprintf(w, `{"data": [{"id": %d}], "next": "%d"}`, count, count%3)
	}
	empty := func(w http.ResponseWriter, _ *http.Request) {
		count++
		_, _ = fmt.Fprintf(w, `{"data": [], "next": "%d"}`, count)
	}
	for name, c := range map[string]struct {
		settings string
		api      http.HandlerFunc
		code     string
	}{
		"it does not read the page":     {`{"pagination": {"kind": "page", "param": "p"}}`, always(`[{"id": 1}, {"id": 2}]`), "pages_repeat"},
		"it does not read the offset":   {`{"pagination": {"kind": "offset", "param": "o"}}`, always(`[{"id": 1}, {"id": 2}]`), "pages_repeat"},
		"it does not read the cursor":   {`{"pagination": {"kind": "cursor", "param": "c", "next": "next"}}`, always(`{"data": [{"id": 1}], "next": "abc"}`), "pages_repeat"},
		"its links lead to themselves":  {`{"pagination": {"kind": "next_url", "next": "next"}}`, always(`{"data": [{"id": 1}], "next": "?x=1"}`), "pages_repeat"},
		"its cursors go round":          {`{"pagination": {"kind": "cursor", "param": "c", "next": "next"}}`, numbered, "pages_repeat"},
		"its pages are empty, for ever": {`{"pagination": {"kind": "cursor", "param": "c", "next": "next"}}`, empty, "endless_pages"},
	} {
		count = 0
		if out := read(t, c.api, reading{settings: c.settings}); codeOf(out.err) != c.code {
			t.Errorf("%s: %v", name, out.err)
		}
	}
}

// TestOddListsEnd has APIs whose ends others loop at, or take too early.
func TestOddListsEnd(t *testing.T) {
	pages := [][]string{{`{"id":1}`, `{"id":2}`}, {`{"id":3}`}, {`{"id":4}`, `{"id":5}`}}
	for name, c := range map[string]struct {
		settings string
		api      func(page int) string
		asked    int
	}{
		"the last page stands for all behind it": {`{"pagination": {"kind": "page", "param": "p"}}`, func(n int) string { return "[" + strings.Join(pages[min(n, 3)-1], ",") + "]" }, 4},
		"a short page is not the last": {`{"pagination": {"kind": "page", "param": "p", "size_param": "s", "size": 100}}`, func(n int) string {
			if n > 3 {
				return "[]"
			}
			return "[" + strings.Join(pages[n-1], ",") + "]"
		}, 4},
		"the cursor of the end is its own": {`{"pagination": {"kind": "cursor", "param": "p", "next": "next"}}`, func(n int) string {
			n = max(n, 1)
			return fmt.Sprintf(`{"data": [%s], "next": %d}`, strings.Join(pages[n-1], ","), min(n+1, 3))
		}, 3},
		"some pages are empty": {`{"pagination": {"kind": "cursor", "param": "p", "next": "next"}}`, func(n int) string {
			n = max(n, 1)
			if n == 6 {
				return `{"data": [], "next": ""}`
			}
			list := ""
			if n%2 == 1 {
				list = strings.Join(pages[n/2], ",")
			}
			return fmt.Sprintf(`{"data": [%s], "next": %d}`, list, n+1)
		}, 6},
	} {
		asked := 0
		out := read(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			n, _ := strconv.Atoi(r.URL.Query().Get("p"))
			_, _ = w.Write([]byte(c.api(n)))
		}, reading{settings: c.settings, table: connector.Table{Table: "things", Key: []string{"id"}}})
		if diff := cmp.Diff(slices.Concat(pages...), out.rows); diff != "" || out.err != nil || asked != c.asked {
			t.Errorf("%s: %v, asked %d times", name, out, asked)
		}
	}
}

// TestAPassGoesOnAtItsPageAndBeginsAnewWhereThatIsGone resumes a pass whose cursor the
// API takes, or does not any more.
func TestAPassGoesOnAtItsPageAndBeginsAnewWhereThatIsGone(t *testing.T) {
	table := connector.Table{Table: "things", Cursor: "at", Key: []string{"id"}}
	from := json.RawMessage(`{"pass": {"begun": "2030-01-01T00:00:00Z", "last": {"number": 5}, "at": {"page": "c2", "read": 1}}}`)
	for gone, want := range map[bool][]string{
		false: {"c2", ""}, // and a pass that sees what changed on the pages before
		true:  {"c2", "", "c2-new", ""},
	} {
		var asked []string
		out := read(t, func(w http.ResponseWriter, r *http.Request) {
			c := r.URL.Query().Get("c")
			asked = append(asked, c)
			switch {
			case gone && c == "c2":
				w.WriteHeader(http.StatusGone)
			case c == "" && len(asked) == 2 && gone:
				_, _ = w.Write([]byte(`{"data": [{"id": 1, "at": 3}], "next": "c2-new"}`))
			default:
				_, _ = w.Write([]byte(`{"data": [{"id": 2, "at": 4}]}`))
			}
		}, reading{settings: `{"pagination": {"kind": "cursor", "param": "c", "next": "next"}}`, table: table, from: from})
		if diff := cmp.Diff(want, asked); diff != "" || out.err != nil || string(out.next) != `{"read":{"number":5}}` {
			t.Errorf("gone %v: asked %q, %v", gone, asked, out)
		}
	}
}

func TestAPageThatIsGoneOnceMayBeToldOfAgain(t *testing.T) {
	var asked []string
	out := read(t, func(w http.ResponseWriter, r *http.Request) {
		c := r.URL.Query().Get("c")
		asked = append(asked, c)
		switch {
		case c == "":
			_, _ = w.Write([]byte(`{"data": [{"id": 1}], "next": "c2"}`))
		case len(asked) == 2:
			w.WriteHeader(http.StatusGone)
		default:
			_, _ = w.Write([]byte(`{"data": [{"id": 2}]}`))
		}
	}, reading{settings: `{"pagination": {"kind": "cursor", "param": "c", "next": "next"}}`, table: connector.Table{Table: "things", Key: []string{"id"}}})
	if diff := cmp.Diff([]string{"", "c2", "", "c2"}, asked); diff != "" || out.err != nil || len(out.rows) != 2 {
		t.Errorf("asked %q, %v", asked, out)
	}
}

func TestAWrongCursorIsToldOf(t *testing.T) {
	table := connector.Table{Table: "things", Cursor: "at", Key: []string{"id"}}
	for answer, want := range map[string]string{
		`[{"id": 1, "at": "yesterday"}]`:     "bad_cursor",
		`[{"id": 1, "at": 1.5}]`:             "bad_cursor",
		`[{"id": 1, "at": true}]`:            "bad_cursor",
		`[{"id": 1}, {"id": 2}]`:             "unknown_column",
		`[{"id": 1}, {"id": 2, "at": null}]`: "",
		`[]`:                                 "",
		`[1]`:                                "",
	} {
		if out := read(t, always(answer), reading{table: table}); codeOf(out.err) != want {
			t.Errorf("%s: %v", answer, out.err)
		}
	}
}

// TestAnAPIIsAskedSinceTheLastCursorLessTheWindow walks the formats.
func TestAnAPIIsAskedSinceTheLastCursorLessTheWindow(t *testing.T) {
	for _, c := range []struct{ format, from, window, want string }{
		{"", `{"time": 1774785600999999}`, "", "2026-03-29T11:50:00Z"},
		{"rfc3339", `{"time": 1774785600999999}`, "1h", "2026-03-29T11:00:00Z"},
		{"date", `{"time": 1774785600999999}`, "13h", "2026-03-28"},
		{"unix", `{"time": -1500000}`, "0s", "-2"},
		{"unix_ms", `{"time": 1774785600999999}`, "0s", "1774785600999"},
		{"number", `{"number": 1500}`, "", "500"},
		{"", `{"number": 1500}`, "10", "1490"},
	} {
		var told string
		read(t, func(w http.ResponseWriter, r *http.Request) {
			told = r.URL.Query().Get("since")
			_, _ = w.Write([]byte("[]"))
		}, reading{
			settings: fmt.Sprintf(`{"since": {"param": "since", "format": %q}}`, c.format), from: json.RawMessage(`{"read": ` + c.from + `}`),
			table: connector.Table{Table: "things?a=b", Cursor: "at", Key: []string{"id"}, Window: connector.Window(c.window)},
		})
		if told != c.want {
			t.Errorf("%+v: told %q", c, told)
		}
	}
}
