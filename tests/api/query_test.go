package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
)

func TestNoQuestionIsTooBadForAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create(t, w, "web")
	if out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Owner], []byte(`[{"event":"a","time":"1900-01-01T00:00:00Z","properties":{"n":1,"t":"x","f":1e308,"j":{}}},
		{"event":"b","time":"2199-12-31T23:59:59Z","properties":{"n":-9223372036854775808,"t":"","f":-1e308}}]`), nil); out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	accounted(t, w, "web", 2)
	const good = `"dataset":"web","measures":["count"]`
	refused := map[string]string{
		"nothing":                       ``,
		"no JSON":                       `count`,
		"an array":                      `[{` + good + `}]`,
		"no measures":                   `{"dataset":"web"}`,
		"no dataset":                    `{"measures":["count"]}`,
		"a dataset that is a path":      `{"dataset":"../web","measures":["count"]}`,
		"a dataset that is NUL":         `{"dataset":"\u0000","measures":["count"]}`,
		"a field that is none":          `{` + good + `,"limt":5}`,
		"a field twice":                 `{` + good + `,"dataset":"web"}`,
		"malformed UTF-8":               "{" + good + ",\"dimensions\":[\"\xff\"]}",
		"a column that is none":         `{` + good + `,"dimensions":["nothing"]}`,
		"a column that is SQL":          `{` + good + `,"dimensions":["event\"; drop table web; --"]}`,
		"a measure that is none":        `{"dataset":"web","measures":["cuont"]}`,
		"a measure of nothing":          `{"dataset":"web","measures":[{"op":"sum"}]}`,
		"a sum of text":                 `{"dataset":"web","measures":[{"op":"sum","column":"event"}]}`,
		"a quantile past 1":             `{"dataset":"web","measures":[{"op":"quantile","q":2,"column":"n"}]}`,
		"51 measures":                   `{"dataset":"web","measures":[` + strings.Repeat(`"count",`, 50) + `"count"]}`,
		"two measures of a name":        `{"dataset":"web","measures":["count","count"]}`,
		"a limit of 0":                  `{` + good + `,"limit":0}`,
		"a limit below 0":               `{` + good + `,"limit":-1}`,
		"a limit past what is allowed":  `{` + good + `,"limit":100001}`,
		"a limit of 400 digits":         `{` + good + `,"limit":1` + strings.Repeat("0", 400) + `}`,
		"a limit that is a text":        `{` + good + `,"limit":"5"}`,
		"an order by nothing":           `{` + good + `,"order":[{"by":"nothing"}]}`,
		"a grain that is none":          `{` + good + `,"time":{"grain":"fortnight"}}`,
		"a zone that is none":           `{` + good + `,"time":{"grain":"day","zone":"Mars/Olympus"}}`,
		"a zone that is a path":         `{` + good + `,"time":{"grain":"day","zone":"../../etc/passwd"}}`,
		"a zone that is this machine's": `{` + good + `,"time":{"grain":"day","zone":"Local"}}`,
		"a from that is no time":        `{` + good + `,"time":{"from":"yesterday"}}`,
		"a to in year 10000":            `{` + good + `,"time":{"to":"10000-01-01T00:00:00Z"}}`,
		"a filter of nothing":           `{` + good + `,"filter":{}}`,
		"a filter of two kinds":         `{` + good + `,"filter":{"and":[],"column":"event","op":"=","value":"x"}}`,
		"a filter with a wrong value":   `{` + good + `,"filter":{"column":"n","op":"=","value":"one"}}`,
		"a filter with a huge value":    `{` + good + `,"filter":{"column":"n","op":"=","value":1e999}}`,
		"a between of one":              `{` + good + `,"filter":{"column":"n","op":"between","value":[1]}}`,
		"a comparison that is none":     `{` + good + `,"filter":{"column":"n","op":"~","value":1}}`,
		"filters 10,000 deep":           `{` + good + `,"filter":` + strings.Repeat(`{"not":`, deep) + `{"column":"n","op":"is_null"}` + strings.Repeat("}", deep) + `}`,
		"10,001 conditions":             `{` + good + `,"filter":{"or":[` + strings.Repeat(`{"column":"n","op":"is_null"},`, 10_000) + `{"column":"n","op":"is_null"}]}}`,
		"a version that is none":        `{` + good + `,"wait_for":"!"}`,
		"a version of rubbish":          `{` + good + `,"wait_for":"eyJ4IjoxfQ"}`,
		"a kind that is none":           `{` + good + `,"kind":"funnel"}`,
		"something after it":            `{` + good + `}{}`,
	}
	for name, question := range refused {
		out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(question), nil)
		if out.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %.300s", name, out.Code, out.Body)
		}
		problemOf(t, out)
	}
	answeredToo := map[string]string{
		"every year there is":       `{` + good + `,"time":{"from":"0000-01-01T00:00:00Z","to":"9999-12-31T23:59:59Z","grain":"year"}}`,
		"every minute there is":     `{` + good + `,"time":{"grain":"minute","zone":"Australia/Lord_Howe"},"limit":5}`,
		"a time that ends at once":  `{` + good + `,"time":{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z","grain":"day"}}`,
		"sums past any number":      `{"dataset":"web","measures":[{"op":"sum","column":"n"},{"op":"sum","column":"f"},{"op":"avg","column":"f"},{"op":"median","column":"n"}]}`,
		"a filter that is SQL":      `{` + good + `,"filter":{"column":"event","op":"contains","value":"' or 1=1 --%_\\"}}`,
		"ten thousand alternatives": `{` + good + `,"filter":{"column":"n","op":"in","value":[` + strings.Repeat("1,", 9_999) + `2]}}`,
		"a filter with NUL":         `{` + good + `,"filter":{"column":"event","op":"=","value":"a\u0000"}}`,
		"a group by an object":      `{` + good + `,"dimensions":["j"]}`,
	}
	for name, question := range answeredToo {
		if out := w.ask(http.MethodPost, "/v1/query", w.keys[access.Owner], []byte(question), nil); out.Code != http.StatusOK {
			t.Errorf("%s: %d %.300s", name, out.Code, out.Body)
		}
	}
	proof(t, w, "web")
}

// TestValuesAreSuggestedAsFarAsTheCallerSeesThem lists those of a column, of numbers and of
// one that a mask hides.
func TestValuesAreSuggestedAsFarAsTheCallerSeesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people(t, w)
	w.mustMake(t, "/v1/masks", map[string]any{"dataset": "people", "roles": []string{"viewer"}, "column": "country", "mask": "hide"})
	for target, want := range map[string]string{
		"?column=country":                    `{"values":[{"value":"CH","rows":6},{"value":"DE","rows":6},{"value":"FR","rows":6}],"more":false}`,
		"?column=country&prefix=D":           `{"values":[{"value":"DE","rows":6}],"more":false}`,
		"?column=event_id&prefix=p1&limit=1": `{"values":[{"value":"p10","rows":1}],"more":true}`,
	} {
		out := w.ask(http.MethodGet, "/v1/datasets/people/values"+target, w.keys[access.Owner], nil, nil)
		if got := strings.TrimSpace(out.Body.String()); out.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %s", target, out.Code, got)
		}
	}
	for target, key := range map[string]string{
		"?column=country": w.keys[access.Viewer], "?column=nowhere": w.keys[access.Owner], "": w.keys[access.Owner], "?column=country&limit=0": w.keys[access.Owner],
	} {
		if out := w.ask(http.MethodGet, "/v1/datasets/people/values"+target, key, nil, nil); out.Code != http.StatusBadRequest {
			t.Errorf("%q: %d %s", target, out.Code, out.Body)
		}
	}
}
