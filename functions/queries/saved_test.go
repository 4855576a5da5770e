package queries_test

import (
	"github.com/tarnhq/tarn/shared/gate"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/tests/fake"
)

// askSaved asks for a saved query of everything between two days.
func askSaved(t *testing.T, w *world, url string) *httptest.ResponseRecorder {
	t.Helper()
	names := saved.Store{Table: &fake.Table{}, Now: func() time.Time { return now }}
	body := `{"query": {"measures": ["count"], "time": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}}}`
	if _, err := names.Put(t.Context(), "acme", dataset.Dataset{ID: "web1", Name: "web", Kind: dataset.Events}, dataset.Schema{}, "all", []byte(body)); err != nil {
		t.Fatal(err)
	}
	s := api.New(func(*http.Request) (access.Principal, error) { return w.caller, nil }, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	queries.Register(s, queries.Deps{Executor: answer.Executor{Gate: gate.New(w, &fake.Table{}, func() time.Time { return now }), Saved: names, Engine: w, Now: func() time.Time { return now }}})
	out := httptest.NewRecorder()
	s.ServeHTTP(out, httptest.NewRequest(http.MethodGet, url, nil))
	return out
}

func TestASavedQueryIsAnsweredFlat(t *testing.T) {
	for url, want := range map[string]string{"/v1/saved/all": "[{\"count\":42}]\n", "/v1/saved/all?format=csv": "count\r\n42\r\n"} {
		if out := askSaved(t, &world{caller: analyst}, url); out.Code != http.StatusOK || out.Body.String() != want {
			t.Errorf("%s: %d %q", url, out.Code, out.Body)
		}
	}
}

func TestASavedQuerysRangeCanBeReplaced(t *testing.T) {
	day := func(d int) int64 { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC).UnixMicro() }
	for url, want := range map[string]query.Range{
		"/v1/saved/all":                           {From: day(1), To: day(2)},
		"/v1/saved/all?to=2026-01-05T00:00:00Z":   {From: day(1), To: day(5)},
		"/v1/saved/all?from=2026-01-01T12:00:00Z": {From: day(1) + 12*3600e6, To: day(2)},
	} {
		w := &world{caller: analyst}
		askSaved(t, w, url)
		if got := w.plan.Source().Range; got != want {
			t.Errorf("%s asks for %v, want %v", url, got, want)
		}
	}
}

func TestASavedQueryIsForThoseWhoMayAskItsDataset(t *testing.T) {
	bound, producer, stranger := analyst, analyst, analyst
	bound.Dataset, producer.Role, stranger.Tenant = "shop", access.Producer, "other"
	for claim, c := range map[string]struct {
		caller access.Principal
		status int
	}{"a key of another dataset": {bound, 403}, "a producer": {producer, 403}, "another tenant": {stranger, 404}, "nobody": {access.Principal{}, 401}} {
		if out := askSaved(t, &world{caller: c.caller}, "/v1/saved/all"); out.Code != c.status {
			t.Errorf("%s: %d %s", claim, out.Code, out.Body)
		}
	}
}
