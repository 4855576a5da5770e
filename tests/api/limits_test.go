package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// limit sets the workspace's limits as the owner.
func (w *world) limit(t *testing.T, limits string) {
	t.Helper()
	if out := w.ask(http.MethodPut, "/v1/limits", w.keys[access.Owner], []byte(limits), nil); out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
}

// refused reports an answer that is no whole refusal of one who asks too much.
func refused(t *testing.T, what string, out *httptest.ResponseRecorder, code, header string) {
	t.Helper()
	refusedAt(t, what, "", out, code, header)
}

// refusedAt is refused of an address that may have errors of its own.
func refusedAt(t *testing.T, what, target string, out *httptest.ResponseRecorder, code, header string) {
	t.Helper()
	if out.Code != http.StatusTooManyRequests {
		t.Errorf("%s: %d %s", what, out.Code, out.Body)
		return
	}
	if got := problemAt(t, target, out).Code; got != code {
		t.Errorf("%s: code %q, want %q", what, got, code)
	}
	if after, err := strconv.Atoi(out.Header().Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("%s: Retry-After %q", what, out.Header().Get("Retry-After"))
	}
	if got := strings.Join(out.Header().Values("RateLimit"), ", "); !strings.Contains(got, header) {
		t.Errorf("%s: RateLimit %q lacks %q", what, got, header)
	}
}

func TestEveryRouteRefusesACallerPastTheirRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit(t, `{"callers": {}, "key": {"requests": {"quota": 1, "seconds": 3600}}}`)
	for _, r := range route.All {
		if r.Action == "" || r.Action == access.ManageLimits {
			continue
		}
		key := w.newLimitedKey(t)
		first := w.ask(r.Method, target(r), key, []byte("{}"), nil)
		if got := first.Header().Get("RateLimit-Policy"); first.Code == http.StatusTooManyRequests || got != `"caller-requests";q=1;w=3600` {
			t.Errorf("%s: %d, RateLimit-Policy %q", r.ID, first.Code, got)
		}
		refusedAt(t, r.ID, r.Path, w.ask(r.Method, target(r), key, []byte("{}"), nil), "over_quota", `"caller-requests";r=0;t=3`) // of 3600 seconds, or of a little less
	}
	if out := w.ask(http.MethodPut, "/v1/limits", w.newLimitedKey(t), []byte(`{}`), nil); out.Code != http.StatusOK {
		t.Errorf("who sets the limits is locked out by them: %d %s", out.Code, out.Body)
	}
}

// newLimitedKey makes a key that may do everything, as an owner without limits.
func (w *world) newLimitedKey(t *testing.T) string {
	t.Helper()
	before := w.ask(http.MethodGet, "/v1/limits", w.keys[access.Owner], nil, nil).Body.String()
	w.limit(t, `{}`)
	key := w.newKey(t, map[string]any{"name": "limited", "role": "owner"})
	w.limit(t, before)
	return key
}

// others are requests of two events each, of the protocols other than Segment's.
var others = map[string]struct{ target, body string }{
	"Prometheus":    {"/api/v1/write", "\x0a\x1a\x12\x0b\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x01\x12\x0b\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\x02"},
	"OpenTelemetry": {"/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"x"},{"eventName":"y"}]}]}]}`},
	"CloudEvents":   {"/v1/cloudevents", `[{"specversion":"1.0","id":"3-0","source":"s","type":"t"},{"specversion":"1.0","id":"3-1","source":"s","type":"t"}]`},
	"PostHog":       {"/batch/", `{"batch":[{"event":"x","uuid":"p-0"},{"event":"x","uuid":"p-1"}]}`},
	"PostHog v1":    {"/i/v1/analytics/events", `{"batch":[{"event":"x","uuid":"p-2"},{"event":"x","uuid":"p-3"}]}`},
	"Snowplow":      {"/com.snowplowanalytics.snowplow/tp2", `{"data":[{"e":"pv","eid":"sp-0"},{"e":"pv","eid":"sp-1"}]}`},
	"Umami":         {"/api/batch", `[{"payload":{}},{"payload":{}}]`},
	"Tinybird":      {"/v0/events?name=web", "{\"event_id\":\"r-0\"}\n{\"event_id\":\"r-1\"}"},
}

func TestEventsPastALimitAreRefusedWholeAndStoredNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"web", "events"} {
		if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(`{"name":"`+name+`","kind":"events"}`), nil); out.Code != http.StatusCreated {
			t.Fatal(out.Code, out.Body)
		}
	}
	w.limit(t, `{"tenant": {"events": {"quota": 4, "seconds": 3600}}}`)
	batch := func(n, of int) []byte {
		var all []string
		for i := range of {
			all = append(all, fmt.Sprintf(`{"type":"track","event":"x","userId":"u","event_id":"%d-%d","messageId":"%d-%d"}`, n, i, n, i))
		}
		return []byte("[" + strings.Join(all, ",") + "]")
	}
	if out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Producer], batch(1, 3), nil); out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	refused(t, "two more events of four", w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Producer], batch(2, 2), nil), "over_quota", `"tenant-events";r=1`)
	for _, r := range route.Track {
		body := []byte(`{"event":"x","userId":"u","messageId":"m","batch":` + string(batch(3, 2)) + `}`)
		out := w.ask(r.Method, r.Path, w.keys[access.Producer], body, nil)
		if strings.HasSuffix(r.Path, "b") || strings.HasSuffix(r.Path, "batch") {
			refused(t, r.ID, out, "over_quota", `"tenant-events";r=`)
		}
	}
	for name, request := range others {
		refusedAt(t, name, request.target, w.ask(http.MethodPost, request.target, w.keys[access.Producer], []byte(request.body), nil), "over_quota", `"tenant-events";r=`)
	}
	for _, of := range []string{"web/events?id=2-0", "web/events?id=2-1", "events/events?id=3-0", "events/events?id=3-1", "events/events?id=s+3-0", "events/events?id=p-0", "events/events?id=p-2", "events/events?id=sp-0", "web/events?id=r-0"} {
		if out := w.ask(http.MethodGet, "/v1/datasets/"+of, w.keys[access.Owner], nil, nil); out.Code != http.StatusNotFound {
			t.Errorf("a refused event has a fate: %s: %d %s", of, out.Code, out.Body)
		}
	}
	w.limit(t, `{}`)
	if out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Producer], batch(2, 2), nil); out.Code != http.StatusOK {
		t.Errorf("sent again once it is allowed: %d %s", out.Code, out.Body)
	}
}

func TestASpentBudgetStopsQuestionsAndNoEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if out := w.ask(http.MethodPost, "/v1/datasets", w.keys[access.Owner], []byte(`{"name":"web","kind":"events"}`), nil); out.Code != http.StatusCreated {
		t.Fatal(out.Code, out.Body)
	}
	w.limit(t, `{"month_usd": 0.000003}`) // two questions over rows that no file holds yet
	send := func(n int) {
		if out := w.ask(http.MethodPost, "/v1/datasets/web/events", w.keys[access.Producer], fmt.Appendf(nil, `[{"event":"x","event_id":"e%d"}]`, n), nil); out.Code != http.StatusOK {
			t.Errorf("event %d: %d %s", n, out.Code, out.Body)
		}
	}
	questions := []struct{ target, body string }{
		{"/v1/query", `{"dataset":"web","measures":["count"]}`},
		{"/v1/sql", `{"sql":"select count(event_id) from web"}`},
		{"/cubejs-api/v1/load", `{"query":{"measures":["web.count"],"dimensions":["web.event"]}}`},
		{"/cubejs-api/v1/cubesql", `{"query":"select count(event) from web"}`},
	}
	for i, q := range questions {
		send(i)
		out := w.ask(http.MethodPost, q.target, w.keys[access.Viewer], []byte(q.body), nil)
		if i < 2 && out.Code != http.StatusOK {
			t.Errorf("%s within the budget: %d %s", q.target, out.Code, out.Body)
		}
		if i >= 2 {
			refused(t, q.target, out, "budget_spent", "")
		}
	}
	refused(t, "an export past the budget", w.ask(http.MethodPost, "/v1/exports", w.keys[access.Analyst], []byte(`{"dataset":"web","format":"csv"}`), nil), "budget_spent", "")
	var limits struct {
		Spent float64 `json:"spent_usd"`
	}
	out := w.ask(http.MethodGet, "/v1/limits", w.keys[access.Owner], nil, nil)
	if err := json.Unmarshal(out.Body.Bytes(), &limits); err != nil || limits.Spent <= 0.000002 || limits.Spent > 0.000003 {
		t.Errorf("what is spent: %s", out.Body)
	}
	if again := w.ask(http.MethodPut, "/v1/limits", w.keys[access.Owner], out.Body.Bytes(), nil); again.Code != http.StatusOK {
		t.Errorf("limits as they were read cannot be set: %d %s", again.Code, again.Body)
	}
}
