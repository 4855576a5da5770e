package datasets

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADefinitionIsPutReadListedAndDeleted(t *testing.T) {
	s := newService()
	if status, _ := s.call(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`); status != http.StatusCreated {
		t.Fatal(status)
	}
	const at = "/v1/datasets/web/definitions/"
	s.must(t, http.MethodPut, at+"users", `{"measure": {"op": "count_distinct", "column": "user_id"}}`)
	put := s.must(t, http.MethodPut, at+"users", `{"measure": {"op": "approx_distinct", "column": "user_id"}}`)
	want := map[string]any{"name": "users", "version": 2.0, "created": "2026-01-02T12:00:00Z",
		"definition": map[string]any{"measure": map[string]any{"op": "approx_distinct", "column": "user_id"}}}
	if diff := cmp.Diff(want, put); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, s.must(t, http.MethodGet, at+"users", "")); diff != "" {
		t.Error(diff)
	}
	if first := s.must(t, http.MethodGet, at+"users?version=1", ""); first["version"] != 1.0 {
		t.Errorf("got %v", first)
	}
	if list := s.must(t, http.MethodGet, "/v1/datasets/web/definitions", ""); !cmp.Equal(list, map[string]any{"definitions": []any{want}}) {
		t.Errorf("got %v", list)
	}
	if status, _ := s.call(t, http.MethodDelete, at+"users", ""); status != http.StatusNoContent {
		t.Errorf("deletion answers %d", status)
	}
	if status, _ := s.call(t, http.MethodGet, at+"users", ""); status != http.StatusNotFound {
		t.Errorf("deleted, it answers %d", status)
	}
}

func TestADeletedDatasetsSavedQueriesLeaveTheirNames(t *testing.T) {
	s := newService()
	for _, name := range []string{"web", "shop"} {
		s.call(t, http.MethodPost, "/v1/datasets", `{"name":"`+name+`","kind":"events"}`)
	}
	const query = `{"query": {"measures": ["count"]}}`
	s.must(t, http.MethodPut, "/v1/datasets/web/definitions/all", query)
	if status, answer := s.call(t, http.MethodPut, "/v1/datasets/shop/definitions/all", query); status != http.StatusConflict || answer["code"] != "query_exists" {
		t.Errorf("while the other one is there: %d %v", status, answer)
	}
	if status, _ := s.call(t, http.MethodDelete, "/v1/datasets/web", ""); status != http.StatusNoContent {
		t.Fatal(status)
	}
	s.must(t, http.MethodPut, "/v1/datasets/shop/definitions/all", query)
}

func TestADefinitionThatDoesNotFitIsRefusedWithTheReason(t *testing.T) {
	s := newService()
	s.call(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`)
	for claim, c := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"of another dataset":   {"/v1/datasets/shop/definitions/x", `{"measure": {"op": "count"}}`, 404, "dataset_not_found"},
		"under a bad name":     {"/v1/datasets/web/definitions/X", `{"measure": {"op": "count"}}`, 400, "bad_definition_name"},
		"of an unknown column": {"/v1/datasets/web/definitions/x", `{"dimension": {"column": "no"}}`, 400, "bad_query"},
	} {
		status, answer := s.call(t, http.MethodPut, c.path, c.body)
		if status != c.status || answer["code"] != c.code {
			t.Errorf("%s: %d %v", claim, status, answer)
		}
	}
}
