package queries_test

import (
	"context"
	"github.com/tarnhq/tarn/shared/gate"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/queries"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a source with one dataset, and an engine that answers with a number.
type world struct {
	caller   access.Principal
	wait     snapshot.Position
	opened   int
	released int
	plan     query.Plan
	err      error
	version  manifest.Version
	segments []segment.Ref
	cache    *answer.Cache
	limits   *limit.Store
	slow     time.Duration
	log      *slog.Logger
	time     time.Duration // since now
	tick     time.Duration // how much later it is at each look
}

func (w *world) clock() time.Time {
	w.time += w.tick
	return now.Add(w.time)
}

func (w *world) Open(_ context.Context, t tenant.ID, name dataset.Name, wait snapshot.Position) (snapshot.Snapshot, error) {
	if t != "acme" || name != "web" {
		return snapshot.Snapshot{}, fault.New(fault.NotFound, "dataset_not_found", "there is no dataset %q", name)
	}
	w.opened++
	w.wait = wait
	return snapshot.Snapshot{Dataset: dataset.Dataset{Name: name, Kind: dataset.Events}, Version: 3 + w.version, Segments: w.segments, Release: func() { w.released++ }}, nil
}

func (w *world) Run(_ context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	w.plan = plan
	return query.Result{Columns: plan.Columns(), Rows: [][]query.Value{{query.IntValue(42)}}, Version: over.Version}, w.err
}

func (w *world) ask(url, body string, accept string) *httptest.ResponseRecorder {
	return w.askWith(url, body, http.Header{"Accept": {accept}})
}

func (w *world) askWith(url, body string, header http.Header) *httptest.ResponseRecorder {
	return w.serve(http.MethodPost, url, body, header)
}

func (w *world) send(method, url, body string) *httptest.ResponseRecorder {
	return w.serve(method, url, body, http.Header{})
}

func (w *world) serve(method, url, body string, header http.Header) *httptest.ResponseRecorder {
	identify := func(*http.Request) (access.Principal, error) { return w.caller, nil }
	s := api.New(identify, func() time.Time { return now }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	queries.Register(s, queries.Deps{Executor: answer.Executor{Gate: gate.New(w, &fake.Table{}, w.clock), Saved: saved.Store{Table: &fake.Table{}}, Engine: limit.Engine{Inner: w}, Cache: w.cache, Limits: w.limits, Now: w.clock, Slow: w.slow, Log: w.log}})
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = header
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out
}

var analyst = access.Principal{Tenant: "acme", ID: "user:1", Role: access.Analyst}

const count = `{"dataset": "web", "measures": ["count"]}`

func TestAnAnswerComesInTheFormatAskedFor(t *testing.T) {
	cases := map[string]struct{ url, accept, mediaType, body string }{
		"JSON unless asked":     {"/v1/query", "", "application/json", `{"columns":[{"name":"count","type":"int"}],"rows":[[42]],"version":3`},
		"CSV by Accept":         {"/v1/query", "text/csv", "text/csv; charset=utf-8; header=present", "count\r\n42\r\n"},
		"CSV by parameter":      {"/v1/query?format=csv", "application/json", "text/csv; charset=utf-8; header=present", "count\r\n42\r\n"},
		"the one preferred":     {"/v1/query", "text/csv;q=0.5, application/json", "application/json", `{"columns"`},
		"anything is JSON":      {"/v1/query", "text/html, */*;q=0.8", "application/json", `{"columns"`},
		"Arrow by Accept":       {"/v1/query", "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream", "\xff\xff\xff\xff"},
		"Parquet by parameter":  {"/v1/query?format=parquet", "text/csv", "application/vnd.apache.parquet", "PAR1"},
		"the best of several":   {"/v1/query", "text/csv;q=0.5, application/vnd.apache.parquet;q=0.9, application/json;q=0.1", "application/vnd.apache.parquet", "PAR1"},
		"CSV rather than other": {"/v1/query", "text/csv, */*;q=0.1", "text/csv; charset=utf-8; header=present", "count"},
	}
	for name, c := range cases {
		w := &world{caller: analyst}
		out := w.ask(c.url, count, c.accept)
		if out.Code != http.StatusOK || out.Header().Get("Content-Type") != c.mediaType || !strings.HasPrefix(out.Body.String(), c.body) {
			t.Errorf("%s: %d %s %s", name, out.Code, out.Header(), out.Body)
		}
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	bound := analyst
	bound.Dataset = "shop"
	producer := analyst
	producer.Role = access.Producer
	cases := map[string]struct {
		caller    access.Principal
		url, body string
		status    int
		code      string
	}{
		"nobody":                      {access.Principal{}, "/v1/query", count, 401, "unauthenticated"},
		"a producer":                  {producer, "/v1/query", count, 403, "denied"},
		"a key of another dataset":    {bound, "/v1/query", count, 403, "denied"},
		"a dataset that is not there": {analyst, "/v1/query", `{"dataset":"shop","measures":["count"]}`, 404, "dataset_not_found"},
		"a name that is none":         {analyst, "/v1/query", `{"dataset":"../x","measures":["count"]}`, 400, "bad_dataset_name"},
		"a format that is none":       {analyst, "/v1/query?format=xml", count, 400, "bad_format"},
		"a query that is wrong":       {analyst, "/v1/query", `{"dataset":"web","measures":["cuont"]}`, 400, "bad_query"},
		"a version that is none":      {analyst, "/v1/query", `{"dataset":"web","measures":["count"],"wait_for":"?"}`, 400, "bad_position"},
		"a body that is too large":    {analyst, "/v1/query", strings.Repeat(" ", query.MaxBody+1), 413, "body_too_large"},
	}
	for name, c := range cases {
		w := &world{caller: c.caller}
		out := w.ask(c.url, c.body, "")
		if out.Code != c.status || !strings.Contains(out.Body.String(), `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, out.Code, out.Body, c.status, c.code)
		}
		if w.opened != w.released {
			t.Errorf("%s: a snapshot stays pinned", name)
		}
	}
}

func TestASnapshotIsReleasedWhenTheEngineFails(t *testing.T) {
	w := &world{caller: analyst, err: fault.New(fault.Unavailable, "deadline", "too long")}
	if out := w.ask("/v1/query", count, ""); out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") == "" {
		t.Errorf("got %d %v", out.Code, out.Header())
	}
	if w.opened != 1 || w.released != 1 {
		t.Errorf("opened %d, released %d", w.opened, w.released)
	}
}

func TestAQueryWaitsForTheVersionItNames(t *testing.T) {
	w := &world{caller: analyst}
	position := snapshot.Position{"shard-0": "17"}
	w.ask("/v1/query", `{"dataset": "web", "measures": ["count"], "wait_for": "`+position.String()+`"}`, "")
	if !w.wait.Covers(position) || !position.Covers(w.wait) {
		t.Errorf("waited for %v, want %v", w.wait, position)
	}
}

func TestWhoeverHasTheAnswerIsNotGivenItAgain(t *testing.T) {
	w := &world{caller: analyst}
	first := w.ask("/v1/query", count, "")
	tag := first.Header().Get("ETag")
	if tag == "" || first.Header().Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("headers %v", first.Header())
	}
	for header, want := range map[string]int{tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"x", ` + tag: 304, `"x"`: 200, "*": 200} {
		w.plan = nil
		out := w.askWith("/v1/query", count, http.Header{"If-None-Match": {header}})
		if out.Code != want || out.Header().Get("ETag") != tag {
			t.Errorf("%s: %d %v", header, out.Code, out.Header())
		}
		if asked := w.plan != nil; asked != (want == 200) {
			t.Errorf("%s: the engine was asked: %v", header, asked)
		}
	}
	if out := w.askWith("/v1/query?format=csv", count, http.Header{"If-None-Match": {tag}}); out.Code != http.StatusOK {
		t.Errorf("the answer in another format: %d", out.Code)
	}
	w.version++
	if out := w.askWith("/v1/query", count, http.Header{"If-None-Match": {tag}}); out.Code != http.StatusOK || out.Header().Get("ETag") == tag {
		t.Errorf("a newer answer: %d %v", out.Code, out.Header())
	}
	if w.opened != w.released {
		t.Errorf("opened %d, released %d", w.opened, w.released)
	}
}

func TestAKeptAnswerIsTheSameInEveryFormat(t *testing.T) {
	w := &world{caller: analyst, cache: answer.NewCache(1<<20, nil, slog.New(slog.DiscardHandler))}
	for _, format := range []string{"json", "csv", "arrow", "parquet"} {
		var bodies []string
		for range 3 {
			out := w.ask("/v1/query?format="+format, count, "")
			if out.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", format, out.Code, out.Body)
			}
			bodies = append(bodies, out.Body.String())
		}
		if bodies[1] != bodies[2] || format != "json" && bodies[0] != bodies[1] {
			t.Errorf("%s: %q", format, bodies)
		}
	}
}

func TestASlowQueryIsLoggedWithoutItsValues(t *testing.T) {
	var log strings.Builder
	w := &world{caller: analyst, slow: time.Nanosecond, log: slog.New(slog.NewTextHandler(&log, nil)), tick: time.Second}
	w.ask("/v1/query", `{"dataset": "web", "measures": ["count"], "filter": {"column": "event", "op": "=", "value": "secret"}}`, "")
	if !strings.Contains(log.String(), "slow query") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log says %q", log.String())
	}
}

// TestALimitHoldsForTheTenantThatHasIt sets limits by the API and asks past them.
func TestALimitHoldsForTheTenantThatHasIt(t *testing.T) {
	admin := analyst
	admin.Role = access.Admin
	w := &world{caller: admin, limits: &limit.Store{Table: &fake.Table{}, Now: func() time.Time { return now }}}
	w.segments = []segment.Ref{{Rows: 100, Bytes: 1000}}
	put := w.send(http.MethodPut, "/v1/limits", `{"rows": 99}`)
	if got := w.send(http.MethodGet, "/v1/limits", ""); put.Code != http.StatusOK || got.Body.String() != `{"rows":99}`+"\n" {
		t.Fatalf("%d %s, %d %s", put.Code, put.Body, got.Code, got.Body)
	}
	if out := w.ask("/v1/query", count, ""); out.Code != http.StatusBadRequest || !strings.Contains(out.Body.String(), `"code":"over_limit"`) {
		t.Errorf("past the limit: %d %s", out.Code, out.Body)
	}
	for body, status := range map[string]int{`{"rows": -1}`: 400, `{"rows": "many"}`: 400, `{"columns": 1}`: 400, `{"rows": 100}`: 200} {
		if out := w.send(http.MethodPut, "/v1/limits", body); out.Code != status {
			t.Errorf("%s: %d %s", body, out.Code, out.Body)
		}
	}
	if out := w.ask("/v1/query", count, ""); out.Code != http.StatusOK {
		t.Errorf("within the limit: %d %s", out.Code, out.Body)
	}
	w.caller = analyst
	if out := w.send(http.MethodPut, "/v1/limits", `{}`); out.Code != http.StatusForbidden {
		t.Errorf("an analyst: %d", out.Code)
	}
}

// TestWhatIsKnownOfARequestOpensItToNobody sends the same bytes as callers who may not.
func TestWhatIsKnownOfARequestOpensItToNobody(t *testing.T) {
	w := &world{caller: analyst, cache: answer.NewCache(1<<20, nil, slog.New(slog.DiscardHandler))}
	for range 2 {
		if out := w.ask("/v1/query", count, ""); out.Code != http.StatusOK {
			t.Fatalf("%d %s", out.Code, out.Body)
		}
	}
	elsewhere, producer := analyst, analyst
	elsewhere.Dataset, producer.Role = "shop", access.Producer
	for name, c := range map[string]struct {
		caller access.Principal
		status int
	}{"nobody": {access.Principal{}, 401}, "a key of another dataset": {elsewhere, 403}, "a producer": {producer, 403}, "another tenant": {access.Principal{Tenant: "other", ID: "user:2", Role: access.Analyst}, 404}} {
		w.caller = c.caller
		if out := w.ask("/v1/query", count, ""); out.Code != c.status {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
	if w.opened != w.released {
		t.Errorf("opened %d, released %d", w.opened, w.released)
	}
}
