package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/access"
)

// person is a row of the dataset that rules are about. What is empty is null.
type person struct{ ID, Country, Email string }

// rule is a row filter: a condition, perhaps denied, perhaps with another.
type rule struct {
	roles     []string
	not       bool
	op        string // of column country
	values    []string
	attribute string // in place of values
}

func (r rule) body() map[string]any {
	condition := map[string]any{"column": "country", "op": r.op}
	switch {
	case r.attribute != "":
		condition["attribute"] = r.attribute
	case r.op == "=":
		condition["value"] = r.values[0]
	default:
		condition["value"] = r.values
	}
	if r.not {
		condition = map[string]any{"not": condition}
	}
	return map[string]any{"dataset": "people", "roles": r.roles, "filter": map[string]any{"and": []any{condition}}}
}

// shows is the reference: whether a caller of a role with attributes sees a row.
func (r rule) shows(role string, attributes map[string][]string, p person) bool {
	values := r.values
	if r.attribute != "" {
		values = attributes[r.attribute]
	}
	switch {
	case !slices.Contains(r.roles, role):
		return true
	case len(values) == 0 || r.op == "=" && len(values) > 1 || p.Country == "":
		return false // what cannot be told is not shown
	}
	return slices.Contains(values, p.Country) != r.not
}

func drawRule(t *rapid.T) rule {
	countries := rapid.SampledFrom([]string{"CH", "DE", "FR"})
	r := rule{
		roles: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"viewer", "analyst", "editor"}), 1, 2, rapid.ID[string]).Draw(t, "roles"),
		not:   rapid.Bool().Draw(t, "not"), op: rapid.SampledFrom([]string{"=", "in"}).Draw(t, "op"),
		values: rapid.SliceOfNDistinct(countries, 1, 2, rapid.ID[string]).Draw(t, "values"),
	}
	if r.op == "=" {
		r.values = r.values[:1]
	}
	if rapid.Bool().Draw(t, "attribute") {
		r.attribute = rapid.SampledFrom([]string{"country", "home"}).Draw(t, "name")
	}
	return r
}

// surfaces are the ways to the rows: each tells the ids that a caller sees.
var surfaces = map[string]func(w *world, key string) (ids []string, code int, text string){
	"query": func(w *world, key string) ([]string, int, string) {
		return w.firstColumn(http.MethodPost, "/v1/query", key, `{"dataset":"people","measures":["count"],"dimensions":["event_id"]}`)
	},
	"suggestions": func(w *world, key string) ([]string, int, string) {
		out := w.ask(http.MethodGet, "/v1/datasets/people/values?column=event_id&limit=1000", key, nil, nil)
		var answer struct{ Values []struct{ Value string } }
		_ = json.Unmarshal(out.Body.Bytes(), &answer) // a problem has no values
		var ids []string
		for _, v := range answer.Values {
			ids = append(ids, v.Value)
		}
		return ids, out.Code, out.Body.String()
	},
	"query for paths": func(w *world, key string) ([]string, int, string) {
		return w.firstColumn(http.MethodPost, "/v1/query", key, `{"dataset":"people","kind":"paths","depth":1,"column":"event_id","subject":"event_id"}`)
	},
	"query compared with earlier": func(w *world, key string) ([]string, int, string) {
		return w.firstColumn(http.MethodPost, "/v1/query", key, `{"dataset":"people","measures":["count"],"dimensions":["event_id"],"time":{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"},"compare":{"unit":"week"}}`)
	},
	"SQL": func(w *world, key string) ([]string, int, string) {
		return w.firstColumn(http.MethodPost, "/v1/sql", key, `{"sql":"select event_id from people"}`)
	},
	"SQL with a condition of its own": func(w *world, key string) ([]string, int, string) {
		return w.firstColumn(http.MethodPost, "/v1/sql", key, `{"sql":"select event_id from people where event = 'seen' or true"}`)
	},
	"saved query": func(w *world, key string) ([]string, int, string) {
		out := w.ask(http.MethodGet, "/v1/saved/ids?format=csv", key, nil, nil)
		var ids []string
		for line := range strings.Lines(out.Body.String()) {
			id, _, _ := strings.Cut(strings.TrimSpace(line), ",")
			ids = append(ids, id)
		}
		return ids[1:], out.Code, out.Body.String()
	},
	"Cube": func(w *world, key string) ([]string, int, string) {
		out := w.ask(http.MethodPost, "/cubejs-api/v1/load", key, []byte(`{"query":{"measures":["people.count"],"dimensions":["people.event_id"],"limit":1000}}`), nil)
		var answer struct{ Data []map[string]any }
		if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil {
			return nil, out.Code, out.Body.String()
		}
		var ids []string
		for _, row := range answer.Data {
			ids = append(ids, row["people.event_id"].(string))
		}
		return ids, out.Code, out.Body.String()
	},
	"Cube's SQL": func(w *world, key string) ([]string, int, string) {
		out := w.ask(http.MethodPost, "/cubejs-api/v1/cubesql", key, []byte(`{"query":"select event_id from people"}`), nil)
		var ids []string
		for line := range strings.Lines(out.Body.String()) {
			var chunk struct{ Data [][]string }
			_ = json.Unmarshal([]byte(line), &chunk) // other lines hold no data
			for _, row := range chunk.Data {
				ids = append(ids, row[0])
			}
		}
		return ids, out.Code, out.Body.String()
	},
}

// firstColumn asks and lists the texts of the answer's first column.
func (w *world) firstColumn(method, target, key, body string) (ids []string, code int, text string) {
	out := w.ask(method, target, key, []byte(body), nil)
	var answer struct{ Rows [][]any }
	_ = json.Unmarshal(out.Body.Bytes(), &answer) // a problem has no rows
	for _, row := range answer.Rows {
		ids = append(ids, fmt.Sprint(row[0]))
	}
	return ids, out.Code, out.Body.String()
}

// people fills a dataset, a part of it sealed, with rows of every country on each day.
func people(t *testing.T, w *world) (all []person) {
	t.Helper()
	create(t, w, "people")
	for i := range 24 {
		p := person{ID: fmt.Sprintf("p%02d", i), Country: []string{"CH", "DE", "FR", ""}[i%4], Email: fmt.Sprintf("secret-%d@example.org", i)}
		all = append(all, p)
		properties := map[string]any{"email": p.Email}
		if p.Country != "" {
			properties["country"] = p.Country
		}
		body, _ := json.Marshal(map[string]any{"event": "seen", "event_id": p.ID, "user_id": fmt.Sprint("u", i/2), "time": fmt.Sprintf("2026-01-%02dT%02d:00:00Z", 1+i/8, i), "properties": properties})
		out := w.ask(http.MethodPost, "/v1/datasets/people/events", w.keys[access.Owner], body, nil)
		if out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
		awaitIn(t, w, "people", out.Header().Get("Tarn-Version"))
		if i == 15 {
			w.export(t, `{"dataset":"people","columns":["event_id"],"format":"csv"}`) // which seals them
		}
	}
	for name, body := range map[string]string{
		"ids":   `{"query":{"dataset":"people","measures":["count"],"dimensions":["event_id"]}}`,
		"swiss": `{"query":{"dataset":"people","kind":"audience","where":{"did":{"column":"country","op":"=","value":"CH"}}}}`,
	} {
		if out := w.ask(http.MethodPut, "/v1/datasets/people/definitions/"+name, w.keys[access.Owner], []byte(body), nil); out.Code != http.StatusOK {
			t.Fatal(out.Code, out.Body)
		}
	}
	return all
}

// mustMake makes a thing as the owner and returns its id.
func (w *world) mustMake(t interface{ Fatal(...any) }, target string, body any) string {
	text, _ := json.Marshal(body)
	out := w.ask(http.MethodPost, target, w.keys[access.Owner], text, nil)
	var made struct{ ID, Key string }
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != http.StatusCreated {
		t.Fatal(target, string(text), out.Code, out.Body)
	}
	if made.Key != "" {
		return made.Key
	}
	return made.ID
}

// TestEverySurfaceShowsACallerTheRowsOfItsRulesAlone draws rules and callers, and asks
// the same of every way to the rows. What one caller was answered is kept, and must not
// be what the next one gets.
func TestEverySurfaceShowsACallerTheRowsOfItsRulesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := people(t, w)
	asked := slices.Sorted(maps.Keys(surfaces))
	if testing.Short() { // a statement starts a process
		asked = slices.DeleteFunc(asked, func(name string) bool { return strings.Contains(name, "SQL") })
	}
	rapid.Check(t, func(t *rapid.T) {
		var rules []rule
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			r := drawRule(t)
			id := w.mustMake(t, "/v1/row-filters", r.body())
			rules = append(rules, r)
			defer w.ask(http.MethodDelete, "/v1/row-filters/"+id, w.keys[access.Owner], nil, nil)
		}
		for _, role := range []string{"viewer", "analyst"} {
			attributes := rapid.SampledFrom([]map[string][]string{nil, {"country": {"CH"}}, {"country": {"DE", "FR"}}, {"home": {"CH"}, "country": {}}}).Draw(t, "attributes")
			key := w.mustMake(t, "/v1/keys", map[string]any{"name": "k", "role": role, "attributes": attributes})
			want := []string{}
			for _, p := range all {
				if !slices.ContainsFunc(rules, func(r rule) bool { return !r.shows(role, attributes, p) }) {
					want = append(want, p.ID)
				}
			}
			surface := rapid.SampledFrom(asked).Draw(t, "surface")
			ids, code, text := surfaces[surface](w, key)
			slices.Sort(ids)
			if diff := cmp.Diff(want, append([]string{}, ids...)); code != http.StatusOK || diff != "" {
				t.Fatalf("%s for %s with %v under %+v: %d (-want +got):\n%s\n%s", surface, role, attributes, rules, code, diff, text)
			}
			id := w.mustMake(t, "/v1/row-filters", rule{roles: []string{role}, op: "=", values: []string{"nowhere"}}.body())
			if ids, code, text := surfaces[surface](w, key); code != http.StatusOK || len(ids) > 0 {
				t.Fatalf("%s after a rule that shows nothing: %d %s", surface, code, text)
			}
			w.ask(http.MethodDelete, "/v1/row-filters/"+id, w.keys[access.Owner], nil, nil)
		}
	})
}

// TestExportsHaveTheRowsOfTheirCallersRules exports in every way that there is.
func TestExportsHaveTheRowsOfTheirCallersRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people(t, w)
	rule := rule{roles: []string{"analyst"}, op: "in", attribute: "country"}
	w.mustMake(t, "/v1/row-filters", rule.body())
	w.mustMake(t, "/v1/masks", map[string]any{"dataset": "people", "roles": []string{"analyst"}, "column": "email", "mask": "truncate", "letters": 3})
	w.keys[access.Analyst] = w.mustMake(t, "/v1/keys", map[string]any{"name": "k", "role": "analyst", "attributes": map[string][]string{"country": {"FR"}}})
	for body, want := range map[string]string{
		`{"dataset":"people","columns":["event_id","email"],"format":"csv"}`:                                                         "p02,sec p06,sec p10,sec p14,sec p18,sec p22,sec",
		`{"query":{"dataset":"people","measures":["count"],"dimensions":["country","email"]},"format":"csv"}`:                        "FR,sec,6",
		`{"query":{"dataset":"people","kind":"funnel","steps":[{"name":"a"}],"dimensions":["country"]},"format":"csv"}`:              "FR,1,a,6,1,1,,,,,,",
		`{"query":{"dataset":"people","kind":"audience","where":{"did":{"column":"event","op":"=","value":"seen"}}},"format":"csv"}`: "6",
	} {
		_, file := w.export(t, body)
		lines := strings.Fields(string(file))[1:]
		slices.Sort(lines)
		if diff := cmp.Diff(want, strings.Join(lines, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	if out := w.ask(http.MethodPost, "/v1/exports", w.keys[access.Analyst], []byte(`{"dataset":"people","columns":["properties"],"format":"csv"}`), nil); out.Code != http.StatusBadRequest {
		t.Errorf("the JSON column, which holds what is masked: %d %s", out.Code, out.Body)
	}
}

// TestAMaskedValueIsNowhere looks for the values of a masked column in every answer that
// a caller can have, errors too.
func TestAMaskedValueIsNowhere(t *testing.T) {
	t.Parallel()
	for _, mask := range []map[string]any{{"mask": "hide"}, {"mask": "hash"}, {"mask": "truncate", "letters": 4}} {
		t.Run(fmt.Sprint(mask["mask"]), func(t *testing.T) {
			w := newWorld(t)
			people(t, w)
			body := map[string]any{"dataset": "people", "roles": []string{"viewer", "analyst"}, "column": "email"}
			maps.Copy(body, mask)
			w.mustMake(t, "/v1/masks", body)
			asks := []struct{ method, target, body string }{
				{"POST", "/v1/query", `{"dataset":"people","measures":["count",{"op":"min","column":"email"}],"dimensions":["email"]}`},
				{"POST", "/v1/query", `{"dataset":"people","measures":["count"],"dimensions":["properties.email"]}`},
				{"POST", "/v1/query", `{"dataset":"people","measures":["count"],"dimensions":["properties"]}`},
				{"POST", "/v1/query", `{"dataset":"people","measures":["count"],"filter":{"column":"email","op":"starts_with","value":"secret-1@"}}`},
				{"POST", "/v1/query", `{"dataset":"people","kind":"paths","column":"email"}`},
				{"POST", "/v1/query", `{"dataset":"people","kind":"audience","list":true,"subject":"email"}`},
				{"POST", "/v1/sql", `{"sql":"select * from people"}`},
				{"POST", "/v1/sql", `{"sql":"select email from people"}`},
				{"POST", "/v1/sql", `{"sql":"select properties from people"}`},
				{"POST", "/v1/sql", `{"sql":"select cast(email as int) from people"}`},
				{"POST", "/v1/sql", `{"sql":"select count(*) from people where cast(user_id as int) = 1"}`},
				{"POST", "/cubejs-api/v1/load", `{"query":{"measures":["people.count"],"dimensions":["people.email"]}}`},
				{"POST", "/cubejs-api/v1/cubesql", `{"query":"select * from people"}`},
				{"GET", "/cubejs-api/v1/meta", ""},
				{"GET", "/v1/datasets/people", ""}, {"GET", "/v1/datasets", ""}, {"GET", "/v1/datasets/people/events?id=p01", ""},
				{"GET", "/v1/datasets/people/quarantine", ""}, {"GET", "/v1/datasets/people/ledger", ""},
			}
			for _, role := range []access.Role{access.Viewer, access.Analyst} {
				for _, a := range asks {
					out := w.ask(a.method, a.target, w.keys[role], []byte(a.body), nil)
					if strings.Contains(out.Body.String(), "secret-") || out.Code >= 500 {
						t.Errorf("%s %s %s tells %s %d %s", a.method, a.target, a.body, role, out.Code, out.Body)
					}
				}
			}
			ids, code, text := w.firstColumn("POST", "/v1/query", w.keys[access.Viewer], `{"dataset":"people","measures":["count"],"dimensions":["email"]}`)
			want := map[string]int{"hide": 0, "hash": 24, "truncate": 1}[fmt.Sprint(mask["mask"])]
			if (code == http.StatusOK) != (want > 0) || len(ids) != want {
				t.Errorf("%d %s", code, text)
			}
			if ids, _, _ := w.firstColumn("POST", "/v1/query", w.keys[access.Owner], `{"dataset":"people","measures":["count"],"dimensions":["email"]}`); !slices.Contains(ids, "secret-7@example.org") {
				t.Error("who is not restricted is shown masks, too")
			}
		})
	}
}

var telling = regexp.MustCompile(`"(rows_scanned|bytes|segments|segments_pruned|segments_kept)": ?[1-9]`)

// TestWhoSeesAPartIsNotToldHowMuchThereIs looks for the numbers of rows and bytes.
func TestWhoSeesAPartIsNotToldHowMuchThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people(t, w)
	w.mustMake(t, "/v1/row-filters", rule{roles: []string{"viewer"}, op: "=", values: []string{"CH"}}.body())
	for target, body := range map[string]string{
		"/v1/query":  `{"dataset":"people","measures":["count"],"explain":true}`,
		"/v1/query?": `{"dataset":"people","kind":"sessions"}`,
		"/v1/sql":    `{"sql":"select count(*) from people"}`,
	} {
		out := w.ask(http.MethodPost, target, w.keys[access.Viewer], []byte(body), nil)
		if out.Code != http.StatusOK || telling.MatchString(out.Body.String()) {
			t.Errorf("%s: %d %s", body, out.Code, out.Body)
		}
	}
	var d map[string]any
	out := w.ask(http.MethodGet, "/v1/datasets/people", w.keys[access.Viewer], nil, nil)
	if err := json.Unmarshal(out.Body.Bytes(), &d); err != nil || d["rows"] != nil || d["bytes"] != nil {
		t.Errorf("%s %v", out.Body, err)
	}
}

// TestAnAudienceIsOfRowsThatTheCallerSees asks for the rows of people who did something
// in rows that are hidden: two people share each user id.
func TestAnAudienceIsOfRowsThatTheCallerSees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people(t, w)
	const ask = `{"dataset":"people","measures":["count"],"dimensions":["event_id"],"filter":{"audience":"swiss"}}`
	if ids, code, text := w.firstColumn(http.MethodPost, "/v1/query", w.keys[access.Viewer], ask); code != http.StatusOK || len(ids) != 12 {
		t.Fatalf("without a rule: %d %s", code, text)
	}
	w.mustMake(t, "/v1/row-filters", rule{roles: []string{"viewer"}, op: "=", values: []string{"DE"}}.body())
	if ids, code, text := w.firstColumn(http.MethodPost, "/v1/query", w.keys[access.Viewer], ask); code != http.StatusOK || len(ids) != 0 {
		t.Errorf("of people who are known by hidden rows: %d %s", code, text)
	}
}
