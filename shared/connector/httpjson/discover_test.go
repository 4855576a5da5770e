package httpjson_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
)

func TestAnAPIIsExploredByTheTablesThatSettingsName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/orders":
			_, _ = w.Write([]byte(`{"orders": [{"id": 1, "total": 2.5, "paid": true, "at": "2026-01-02T03:04:05Z", "lines": [], "note": null}], "next": "x"}`))
		case "/":
			_, _ = w.Write([]byte("<html>"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	config := configOf(server.URL)
	config.Settings = []byte(`{"tables": {"orders": {}, "gone": {}}}`)
	if err := driver(t).Check(config); err != nil {
		t.Fatal(err)
	}
	source, err := driver(t).Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := source.Discover(t.Context())
	want := []connector.Relation{{Table: "orders", Columns: []connector.Column{
		{Name: "id", Type: "number", Becomes: dataset.Int, Nullable: true},
		{Name: "total", Type: "number", Becomes: dataset.Float, Nullable: true},
		{Name: "paid", Type: "boolean", Becomes: dataset.Bool, Nullable: true},
		{Name: "at", Type: "string", Becomes: dataset.Time, Nullable: true},
		{Name: "lines", Type: "object or array", Becomes: dataset.JSON, Nullable: true},
		{Name: "note", Type: "string", Becomes: dataset.Text, Nullable: true},
	}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: -want +got:\n%s", err, diff)
	}
}

func TestAnAPIWithoutTablesAnswersIfItTakesTheCredential(t *testing.T) {
	for status, code := range map[int]string{http.StatusOK: "", http.StatusNotFound: "", http.StatusUnauthorized: "source_refused"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>"))
		}))
		source, err := driver(t).Open(t.Context(), configOf(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Check(t.Context()); codeOf(err) != code {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}
