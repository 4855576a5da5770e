package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// newGuest is a shop with another dataset, and a key of a group whose role reads nothing.
func newGuest(t *testing.T) (c *clocked, guest string) {
	t.Helper()
	c = newShop(t)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"hr","kind":"events"}`, http.StatusCreated, nil)
	return c, c.newKey(t, map[string]any{"name": "guest", "role": "producer", "groups": []string{"sales"}, "attributes": map[string]any{"country": []string{"CH"}}})
}

// grant makes one and returns its id.
func (c *clocked) grant(t *testing.T, body string) string {
	t.Helper()
	var made struct{ ID string }
	c.owner(t, http.MethodPost, "/v1/grants", body, http.StatusCreated, &made)
	return made.ID
}

// status asks and returns how that was answered.
func (c *clocked) status(method, target, key, body string) int {
	return c.ask(method, target, key, []byte(body), nil).Code
}

const countWeb = `{"dataset":"web","measures":["count"]}`

func TestAGrantOpensItsDatasetOnEverySurfaceAndNoOther(t *testing.T) {
	c, guest := newGuest(t)
	asks := map[string]struct{ method, target, body string }{
		"query":  {http.MethodPost, "/v1/query", countWeb},
		"cube":   {http.MethodPost, "/cubejs-api/v1/load", cubeQuery},
		"schema": {http.MethodGet, "/v1/datasets/web", ""},
		"saved":  {http.MethodGet, "/v1/saved/countries", ""},
	}
	told := func(want func(name string) int, when string) {
		t.Helper()
		for name, a := range asks {
			if code := c.status(a.method, a.target, guest, a.body); code != want(name) {
				t.Errorf("%s, %s: %d, want %d", when, name, code, want(name))
			}
			other := strings.NewReplacer("web", "hr").Replace
			if name != "saved" && c.status(a.method, other(a.target), guest, other(a.body)) != http.StatusForbidden {
				t.Errorf("%s, %s of another dataset is answered", when, name)
			}
		}
	}
	always := func(code int) func(string) int { return func(string) int { return code } }
	told(always(http.StatusForbidden), "before")
	id := c.grant(t, `{"dataset":"web","role":"viewer","to":{"groups":["sales"]}}`)
	told(always(http.StatusOK), "with the grant")

	var listed struct{ Datasets []struct{ Name string } }
	out := c.ask(http.MethodGet, "/v1/datasets", guest, nil, nil)
	if err := json.Unmarshal(out.Body.Bytes(), &listed); err != nil || len(listed.Datasets) != 1 || listed.Datasets[0].Name != "web" {
		t.Errorf("listed: %s", out.Body)
	}
	if out := c.ask(http.MethodGet, "/v1/me", guest, nil, nil); !strings.Contains(out.Body.String(), `"granted":[{"dataset":"web","role":"viewer"}]`) {
		t.Errorf("who am I: %s", out.Body)
	}
	if code := c.status(http.MethodPost, "/v1/exports", guest, `{"dataset":"web","format":"csv"}`); code != http.StatusForbidden {
		t.Errorf("a viewer's grant exports: %d", code)
	}
	c.grant(t, `{"dataset":"web","role":"analyst","to":{"users":["`+c.me(t, guest)+`"]}}`)
	if code := c.status(http.MethodPost, "/v1/exports", guest, `{"dataset":"web","format":"csv"}`); code != http.StatusAccepted {
		t.Errorf("an analyst's grant does not export: %d", code)
	}
	if code := c.status(http.MethodGet, "/v1/jobs", guest, ""); code != http.StatusOK {
		t.Errorf("its holder cannot follow the export: %d", code)
	}
	c.owner(t, http.MethodDelete, "/v1/grants/"+id, "", http.StatusNoContent, nil)
	told(always(http.StatusOK), "with the other grant")
	c.owner(t, http.MethodDelete, "/v1/datasets/web", "", http.StatusNoContent, nil)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`, http.StatusCreated, nil)
	if code := c.status(http.MethodPost, "/v1/query", guest, countWeb); code != http.StatusForbidden {
		t.Errorf("a grant outlives its dataset: %d", code)
	}
}

// me is a caller's id.
func (c *clocked) me(t *testing.T, key string) string {
	t.Helper()
	var who struct{ ID string }
	if err := json.Unmarshal(c.ask(http.MethodGet, "/v1/me", key, nil, nil).Body.Bytes(), &who); err != nil {
		t.Fatal(err)
	}
	return who.ID
}

// TestRulesConcernWhoHasTheRoleByAGrant restricts viewers, of whom the guest is one by a
// grant alone.
func TestRulesConcernWhoHasTheRoleByAGrant(t *testing.T) {
	c, guest := newGuest(t)
	c.owner(t, http.MethodPost, "/v1/row-filters", `{"dataset":"web","roles":["viewer"],"filter":{"column":"country","op":"in","attribute":"country"}}`, http.StatusCreated, nil)
	for _, to := range []string{`{"dataset":"web","role":"viewer","to":{"groups":["sales"]}}`, `{"saved":"countries","to":{"groups":["sales"]}}`} {
		id := c.grant(t, to)
		if diff := gocmp.Diff([]string{"CH"}, c.countries(t, guest, "")); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
		c.owner(t, http.MethodDelete, "/v1/grants/"+id, "", http.StatusNoContent, nil)
	}
}

func TestAGrantOfASavedQueryAnswersItAndNothingElse(t *testing.T) {
	c, guest := newGuest(t)
	c.grant(t, `{"saved":"countries","to":{"roles":["producer"]}}`)
	if diff := gocmp.Diff([]string{"CH", "DE", "FR"}, c.countries(t, guest, "")); diff != "" {
		t.Error(diff)
	}
	for _, r := range route.All {
		if r.Action == "" || r.Action == access.WriteEvents || r.Action == access.ReadSelf { // what producers and everybody may
			continue
		}
		for _, body := range []string{"", "{}", countWeb, `{"saved":"countries"}`, `{"sql":"select country from web"}`} {
			path := replaced(r.Path, map[string]string{"dataset": "web", "name": "other"})
			if code := c.status(r.Method, path, guest, body); code != http.StatusForbidden {
				t.Errorf("%s %s %s: %d", r.Method, path, body, code)
			}
		}
	}
}

func TestWhatCannotBeGrantedIsRefused(t *testing.T) {
	c, _ := newGuest(t)
	for body, want := range map[string]int{
		`{"dataset":"web","role":"admin","to":{"groups":["g"]}}`:                        http.StatusBadRequest,
		`{"dataset":"web","role":"viewer"}`:                                             http.StatusBadRequest,
		`{"dataset":"web","role":"viewer","to":{}}`:                                     http.StatusBadRequest,
		`{"dataset":"web","role":"viewer","to":{"roles":["root"]}}`:                     http.StatusBadRequest,
		`{"role":"viewer","to":{"groups":["g"]}}`:                                       http.StatusBadRequest,
		`{"dataset":"web","to":{"groups":["g"]}}`:                                       http.StatusBadRequest,
		`{"dataset":"web","saved":"countries","role":"viewer","to":{"groups":["g"]}}`:   http.StatusBadRequest,
		`{"saved":"countries","role":"editor","to":{"groups":["g"]}}`:                   http.StatusBadRequest,
		`{"saved":"absent","to":{"groups":["g"]}}`:                                      http.StatusNotFound,
		`{"dataset":"web","role":"viewer","to":{"groups":["g"]},"everything":"please"}`: http.StatusBadRequest,
	} {
		out := c.ask(http.MethodPost, "/v1/grants", c.keys[access.Owner], []byte(body), nil)
		if out.Code != want {
			t.Errorf("%s: %d %s", body, out.Code, out.Body)
		}
		problemOf(t, out)
	}
	narrow := c.newKey(t, map[string]any{"name": "narrow", "role": "admin", "scopes": []string{"grants:manage"}})
	if code := c.status(http.MethodPost, "/v1/grants", narrow, `{"dataset":"web","role":"viewer","to":{"groups":["g"]}}`); code != http.StatusForbidden {
		t.Errorf("who may only grant gives what they have not: %d", code)
	}
}

func TestSQLReadsGrantedDatasetsAlone(t *testing.T) {
	w := newWorld(t)
	owner := w.keys[access.Owner]
	for _, name := range []string{"web", "hr"} {
		create(t, w, name)
	}
	guest := w.newKey(t, map[string]any{"name": "guest", "role": "producer", "groups": []string{"sales"}})
	if out := w.ask(http.MethodPost, "/v1/grants", owner, []byte(`{"dataset":"web","role":"viewer","to":{"groups":["sales"]}}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Code, out.Body)
	}
	for statement, want := range map[string]int{
		"select count(event_id) from web":                                      http.StatusOK,
		"select count(event_id) from hr":                                       http.StatusForbidden,
		"select count(*) from web join hr using (event_id)":                    http.StatusForbidden,
		"select count(*) from web where event_id in (select event_id from hr)": http.StatusForbidden,
	} {
		if out := w.ask(http.MethodPost, "/v1/sql", guest, []byte(`{"sql":"`+statement+`"}`), nil); out.Code != want {
			t.Errorf("%s: %d %s", statement, out.Code, out.Body)
		}
	}
}
