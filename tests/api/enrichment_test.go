package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

// enriched is a workspace with a dataset of events and a table of customers.
type enriched struct {
	*clocked
	t *testing.T
}

func newEnriched(t *testing.T) enriched {
	t.Helper()
	c := newClocked(t)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`, http.StatusCreated, nil)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"customers","kind":"table"}`, http.StatusCreated, nil)
	out := c.ask(http.MethodPost, "/v1/datasets/customers/rows", c.keys[access.Owner], []byte("id,plan\nu1,free\nu2,team\n"), http.Header{"Content-Type": {"text/csv"}})
	if out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	return enriched{c, t}
}

// put makes the next version, which holds at once where nobody remembers the one before.
func (e enriched) put(from int, steps, samples string) {
	e.t.Helper()
	e.owner(e.t, http.MethodPut, "/v1/datasets/web/enrichment", fmt.Sprintf(`{"from_version":%d,"steps":%s,"samples":%s}`, from, steps, samples), http.StatusOK, nil)
	e.pass(time.Minute)
}

// rows asks for what is stored.
func (e enriched) rows(columns ...string) string {
	e.t.Helper()
	question, err := json.Marshal(map[string]any{"dataset": "web", "measures": []string{"count"}, "dimensions": append([]string{"event_id"}, columns...), "order": []any{map[string]string{"by": "event_id"}}})
	if err != nil {
		e.t.Fatal(err)
	}
	var answer struct{ Rows json.RawMessage }
	e.owner(e.t, http.MethodPost, "/v1/query", string(question), http.StatusOK, &answer)
	return string(answer.Rows)
}

func (e enriched) fate(id string) (f struct {
	Fate       string
	Duplicates int
}) {
	e.t.Helper()
	e.owner(e.t, http.MethodGet, "/v1/datasets/web/events?id="+id, "", http.StatusOK, &f)
	return f
}

func (e enriched) books() (a account) {
	e.t.Helper()
	e.owner(e.t, http.MethodGet, "/v1/datasets/web/ledger", "", http.StatusOK, &a)
	return a
}

const (
	firstSteps = `[{"rename":{"from":"uid","to":"user_id"}},{"filter":{"column":"event","op":"!=","value":"heartbeat"}},{"cast":{"field":"price","to":"float"}},
		{"look_up":{"dataset":"customers","key":"id","by":"user_id","take":["plan"]}},{"parse_user_agent":{"field":"agent"}}]`
	firstSamples = `[{"event":{"event":"heartbeat"},"expect":{"fate":"dropped"}},{"event":{"event":"bought","properties":{"uid":"u2","price":"1.5"}},"expect":{"fate":"stored","user_id":"u2","properties":{"plan":"team","price":1.5}}}]`
	firstEvents  = `[{"event_id":"a","event":"bought","properties":{"uid":"u1","price":"2.5","agent":"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}},
		{"event_id":"b","event":"heartbeat"},{"event_id":"c","event":"bought","properties":{"price":"cheap"}}]`
)

func TestEventsGoThroughTheNewestVersionAndKeepItsNumber(t *testing.T) {
	t.Parallel()
	e := newEnriched(t)
	e.put(0, firstSteps, firstSamples)
	e.send(t, "web", firstEvents)
	e.put(1, `[{"filter":{"column":"event","op":"!=","value":"heartbeat"}},{"cast":{"field":"price","to":"float"}},{"drop":{"field":"agent"}}]`, `[]`)
	e.send(t, "web", firstEvents) // a retry, of which the new list would make another row
	e.send(t, "web", `[{"event_id":"d","event":"bought","properties":{"agent":"x"}}]`)

	if diff := cmp.Diff(`[["a",1,"u1",2.5,"free","Firefox",false,1],["d",2,null,null,null,null,null,1]]`, e.rows("enrichment_version", "user_id", "price", "plan", "browser", "bot")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(account{Accepted: 7, Stored: 2, Duplicate: 1, Quarantined: 2, Dropped: 2, Visible: 2}, e.books()); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[string]string{"a": "stored", "b": "dropped", "c": "quarantined", "d": "stored"} {
		if got := e.fate(id).Fate; got != want {
			t.Errorf("event %s is %s, want %s", id, got, want)
		}
	}
}

func TestAListIsTriedOnTheEventsThatCameLast(t *testing.T) {
	t.Parallel()
	e := newEnriched(t)
	e.send(t, "web", `[{"event_id":"a","event":"bought","properties":{"uid":"u1"}}]`)
	e.pass(time.Second)
	e.send(t, "web", `[{"event_id":"b","event":"heartbeat"}]`)
	var shown struct {
		Events []struct {
			Before, After struct {
				EventID    string         `json:"event_id"`
				UserID     string         `json:"user_id"`
				Properties map[string]any `json:"properties"`
			}
			Fate string
			Step int
		}
	}
	e.owner(t, http.MethodPost, "/v1/datasets/web/enrichment/preview", `{"steps":`+firstSteps+`}`, http.StatusOK, &shown)
	if len(shown.Events) != 2 || shown.Events[0].Before.EventID != "b" || shown.Events[0].Fate != "dropped" || shown.Events[0].Step != 2 {
		t.Fatalf("%+v", shown)
	}
	after := shown.Events[1].After
	if after.EventID != "a" || after.UserID != "u1" || after.Properties["plan"] != "free" || after.Properties["enrichment_version"] != 1.0 {
		t.Errorf("%+v", after)
	}
	if got := e.rows("user_id"); got != `[["a",null,1],["b",null,1]]` {
		t.Errorf("after a preview the rows are %s", got)
	}
}

func TestEventsWaitForATableThatIsGone(t *testing.T) {
	t.Parallel()
	e := newEnriched(t)
	e.put(0, firstSteps, `[]`)
	e.send(t, "web", `[{"event_id":"a","event":"bought","properties":{"uid":"u1"}}]`)
	e.owner(t, http.MethodDelete, "/v1/datasets/customers", "", http.StatusNoContent, nil)
	e.pass(time.Minute)
	const late = `[{"event_id":"b","event":"bought","properties":{"uid":"u1"}}]`
	page := e.newKey(t, map[string]any{"name": "page", "role": "producer", "dataset": "web"})
	for target, body := range map[string]string{"/v1/datasets/web/events": late, "/api/event": `{"name":"pageview","url":"/"}`} {
		out := e.ask(http.MethodPost, target, page, []byte(body), nil)
		if out.Code != http.StatusServiceUnavailable || out.Header().Get("Retry-After") != "5" || !strings.Contains(out.Body.String(), "look_up_unavailable") {
			t.Errorf("%s: %d %v %s", target, out.Code, out.Header(), out.Body)
		}
	}
	if diff := cmp.Diff(account{Accepted: 1, Stored: 1, Visible: 1}, e.books()); diff != "" {
		t.Errorf("of events that were turned away: %s", diff)
	}
	e.put(1, `[]`, `[]`)
	e.send(t, "web", late)
	if diff := cmp.Diff(`[["a","free",1],["b",null,1]]`, e.rows("plan")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(account{Accepted: 2, Stored: 2, Visible: 2}, e.books()); diff != "" {
		t.Error(diff)
	}
}
