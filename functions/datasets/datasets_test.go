package datasets

import (
	"context"
	"encoding/json"
	"fmt"
	"github.com/tarnhq/tarn/shared/gate"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// service serves the endpoints to an admin, over a catalog in memory.
type service struct {
	*api.Server
	catalog  dataset.Catalog
	rules    *gate.Store
	tenant   tenant.ID
	state    manifest.State // of every dataset
	opened   int
	released int

	forgotten []string // names of deleted datasets that nobody remembers
}

func newService() *service {
	s := &service{tenant: "acme"}
	now := func() time.Time { return noon }
	ids := 0
	s.catalog = dataset.Catalog{Table: &fake.Table{}, Now: now, NewID: func() dataset.ID { ids++; return dataset.ID(fmt.Sprintf("id%010d", ids)) }}
	identify := func(*http.Request) (access.Principal, error) {
		return access.Principal{Tenant: s.tenant, ID: "user:1", Role: access.Admin}, nil
	}
	s.Server = api.New(identify, now, slog.New(slog.DiscardHandler))
	seen := gate.New(s, &fake.Table{}, now)
	s.rules = seen.Rules
	Register(s.Server, Deps{Catalog: s.catalog, Gate: seen, Saved: saved.Store{Table: &fake.Table{}, Now: now}, Enricher: enrich.New(&fieldrule.Salts{Secrets: &fake.Secrets{}}, s.catalog.Table, &fake.Blobs{}, now), Forgotten: s.forget})
	return s
}

// Open implements snapshot.Source, and counts.
func (s *service) Open(ctx context.Context, t tenant.ID, name dataset.Name, _ snapshot.Position) (snapshot.Snapshot, error) {
	d, err := s.catalog.Get(ctx, t, name)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	snap := snapshot.OfState(d, s.state)
	s.opened++
	snap.Release = func() { s.released++ }
	return snap, nil
}

func (s *service) forget(_ context.Context, t tenant.ID, name dataset.Name) error {
	s.forgotten = append(s.forgotten, string(t)+"/"+string(name))
	return nil
}

// call sends a request and returns the status and the answer.
func (s *service) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	out := httptest.NewRecorder()
	s.ServeHTTP(out, httptest.NewRequest(method, path, strings.NewReader(body)))
	var answer map[string]any
	if out.Body.Len() > 0 {
		if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%v in %s", err, out.Body)
		}
	}
	if s.opened != s.released {
		t.Errorf("%s %s: a snapshot stays pinned", method, path)
	}
	return out.Code, answer
}

// must is call for what has to succeed.
func (s *service) must(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	status, answer := s.call(t, method, path, body)
	if status > 299 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

func TestADatasetIsMadeReadAndDeleted(t *testing.T) {
	s := newService()
	made := s.must(t, "POST", "/v1/datasets", `{"name":"web","kind":"events","columns":[{"name":"price","type":"float"}],"settings":{"description":"clicks"}}`)
	if made["id"] != "id0000000001" || made["name"] != "web" || made["created"] != "2026-01-02T12:00:00Z" {
		t.Errorf("made %v", made)
	}
	s.state = manifest.State{Version: 7, Segments: []segment.Ref{{Kind: segment.Rows, Rows: 5, Bytes: 100}, {Kind: segment.Duplicates, Rows: 2, Bytes: 10}}}
	read := s.must(t, "GET", "/v1/datasets/web", "")
	if read["rows"] != 5.0 || read["bytes"] != 110.0 || read["version"] != 7.0 || read["settings"].(map[string]any)["on_conflict"] != "quarantine" {
		t.Errorf("read %v", read)
	}
	if diff := cmp.Diff([]string{"event_id", "event", "time", "received_at", "user_id", "anonymous_id", "session_id", "properties", "price"}, columns(read)); diff != "" {
		t.Error(diff)
	}
	if status, _ := s.call(t, "DELETE", "/v1/datasets/web", ""); status != http.StatusNoContent {
		t.Errorf("deleted: %d", status)
	}
	if diff := cmp.Diff([]string{"acme/web"}, s.forgotten); diff != "" {
		t.Errorf("the answer came before those who remember the dataset forgot it: %s", diff)
	}
	if status, answer := s.call(t, "GET", "/v1/datasets/web", ""); status != 404 || answer["code"] != "dataset_not_found" || answer["hint"] == nil {
		t.Errorf("after it was deleted: %d %v", status, answer)
	}
	if again := s.must(t, "POST", "/v1/datasets", `{"name":"web","kind":"table"}`); again["id"] == made["id"] {
		t.Error("a new dataset has the old one's id, and with it its data")
	}
	if got := columns(s.must(t, "GET", "/v1/datasets/web", "")); len(got) != 0 {
		t.Errorf("a table has fixed columns: %v", got)
	}
}

func columns(detail map[string]any) (names []string) {
	list, _ := detail["schema"].(map[string]any)["columns"].([]any)
	for _, c := range list {
		names = append(names, c.(map[string]any)["name"].(string))
	}
	return names
}

func TestTheListComesInPagesAndConcernsOneTenant(t *testing.T) {
	s := newService()
	if got := s.must(t, "GET", "/v1/datasets", ""); len(got["datasets"].([]any)) != 0 || got["next"] != nil {
		t.Errorf("an empty list is %v", got)
	}
	for i := range 5 {
		s.must(t, "POST", "/v1/datasets", fmt.Sprintf(`{"name":"d%d","kind":"events"}`, i))
	}
	s.tenant = "other"
	s.must(t, "POST", "/v1/datasets", `{"name":"d0","kind":"events"}`)
	s.tenant = "acme"
	var names []string
	for next := ""; ; {
		page := s.must(t, "GET", "/v1/datasets?limit=2&next="+next, "")
		for _, d := range page["datasets"].([]any) {
			names = append(names, d.(map[string]any)["name"].(string))
		}
		if next, _ = page["next"].(string); next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"d0", "d1", "d2", "d3", "d4"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAChangeLeavesTheRestAsItIs(t *testing.T) {
	s := newService()
	s.must(t, "POST", "/v1/datasets", `{"name":"web","kind":"events","settings":{"description":"clicks","on_conflict":"keep"}}`)
	s.must(t, "PATCH", "/v1/datasets/web", `{"columns":[{"name":"n","type":"int"}]}`)
	changed := s.must(t, "PATCH", "/v1/datasets/web", `{"columns":[{"name":"t","type":"text"}]}`)
	if settings := changed["settings"].(map[string]any); settings["description"] != "clicks" || settings["on_conflict"] != "keep" {
		t.Errorf("settings are %v", settings)
	}
	if declared := changed["declared"].([]any); len(declared) != 2 {
		t.Errorf("declared are %v", declared)
	}
	if changed = s.must(t, "PATCH", "/v1/datasets/web", `{"settings":{"description":"visits"}}`); changed["settings"].(map[string]any)["on_conflict"] != "keep" {
		t.Errorf("settings are %v", changed["settings"])
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	s := newService()
	s.must(t, "POST", "/v1/datasets", `{"name":"web","kind":"events","columns":[{"name":"n","type":"int"}]}`)
	s.state.Schema = dataset.Schema{Columns: []dataset.Column{{Name: "seen", Type: dataset.Float}}}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"a name that is taken":              {"POST", "", `{"name":"web","kind":"events"}`, 409, "dataset_exists"},
		"a name that is none":               {"POST", "", `{"name":"Web!","kind":"events"}`, 400, "bad_dataset_name"},
		"a kind that is none":               {"POST", "", `{"name":"x","kind":"stream"}`, 400, "invalid_request"},
		"a type that is none":               {"POST", "", `{"name":"x","kind":"events","columns":[{"name":"n","type":"decimal"}]}`, 400, "invalid_request"},
		"a fixed column":                    {"POST", "", `{"name":"x","kind":"events","columns":[{"name":"time","type":"text"}]}`, 400, "fixed_column"},
		"a column declared otherwise":       {"PATCH", "/web", `{"columns":[{"name":"n","type":"text"}]}`, 409, "column_declared"},
		"a column narrower than its rows":   {"PATCH", "/web", `{"columns":[{"name":"seen","type":"int"}]}`, 409, "column_has_values"},
		"a change of nothing that is there": {"PATCH", "/shop", `{}`, 404, "dataset_not_found"},
		"the end of nothing that is there":  {"DELETE", "/shop", ``, 404, "dataset_not_found"},
		"a page of nothing":                 {"GET", "?limit=0", ``, 400, "invalid_request"},
	} {
		if status, answer := s.call(t, c.method, "/v1/datasets"+c.path, c.body); status != c.status || answer["code"] != c.code {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	s.must(t, "PATCH", "/v1/datasets/web", `{"columns":[{"name":"seen","type":"text"}]}`) // wider holds them all
}
