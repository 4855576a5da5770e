package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/route"
)

// entries returns the log of the tenant main, which must be whole.
func (d *dependent) entries(t *testing.T) (all []audit.Record) {
	t.Helper()
	report, err := d.trail.Verify(t.Context(), "main", audit.Head{}, func() bool { return false })
	if err != nil || !report.Whole || !report.Ended {
		t.Fatalf("%+v %+v %v", report, report.Broken, err)
	}
	err = d.trail.Each(t.Context(), "main", 1, report.Through.Number+1, func(r audit.Record) (bool, error) {
		all = append(all, r)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// since returns what was told of a route after some entries, without uses of keys.
func (d *dependent) since(t *testing.T, before int, id string) (outcomes []string) {
	t.Helper()
	for _, r := range d.entries(t)[before:] {
		if r.Action != audit.UseKey && r.Route == id {
			outcomes = append(outcomes, r.Outcome)
		}
	}
	return outcomes
}

// TestEveryChangeIsToldOfOnceAndNoReadIs walks the route table: a new route that changes
// something and whose table tells of nothing fails here.
func TestEveryChangeIsToldOfOnceAndNoReadIs(t *testing.T) {
	t.Parallel()
	d := newDependent(t)
	requests := d.prepare(t)
	for _, r := range route.All {
		if r.Function == "reference" {
			continue
		}
		before := len(d.entries(t))
		if status, _, body := d.request(r.Method, requests[r.ID].target, requests[r.ID].body); status != r.Status {
			t.Fatal(r.ID, status, string(body))
		}
		var want []string
		switch {
		case r.Outside:
			want = []string{"begun", "done"}
		case r.Changes() || r.Action == access.RunSQL:
			want = []string{"done"}
		case r.ID == "track": // the first to need the default dataset
			want = []string{"done"}
		}
		if r.ID == route.RetryJob.ID { // a job in line is left as it is
			want = nil
		}
		if diff := cmp.Diff(want, d.since(t, before, r.ID)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.ID, diff)
		}
	}
}

// TestWithoutItsEntryNoChangeIsMade has the table refuse, or lose its answers.
func TestWithoutItsEntryNoChangeIsMade(t *testing.T) {
	t.Parallel()
	d := newDependent(t)
	requests := d.prepare(t)
	for _, state := range []state{losing, down} {
		for _, r := range route.All {
			if !r.Changes() || r.Method == http.MethodDelete || r.ID == route.ReplayQuarantine.ID {
				continue // what is gone cannot go again, and a replay is several changes
			}
			before := len(d.entries(t))
			d.outages["table"].set(state)
			status, _, _ := d.request(r.Method, strings.Replace(requests[r.ID].target, "visitors", "others", 1), strings.Replace(requests[r.ID].body, "fresh", "fresher", 1))
			d.outages["table"].set(up)
			told := d.since(t, before, r.ID)
			if made := status < 300; made != (len(told) > 0) && !(made && quiet[r.ID]) && !r.Outside {
				t.Errorf("%s answers %d, and is told of as %q", r.ID, status, told)
			}
		}
	}
}

// quiet are routes that change nothing when asked twice.
var quiet = map[string]bool{route.RetryJob.ID: true, route.CancelJob.ID: true, route.PutDefinition.ID: true, route.PutEnrichment.ID: true}

func TestRefusalsSQLAndKeysAreToldOf(t *testing.T) {
	t.Parallel()
	d := newDependent(t)
	create(t, &d.world, "web")
	viewer := d.keyOf(t, "main", access.Viewer)
	before := len(d.entries(t))
	for range 3 {
		d.ask(http.MethodDelete, "/v1/datasets/web", viewer, nil, nil)
	}
	d.ask(http.MethodPost, "/v1/sql", viewer, []byte(`{"sql":"select count(event_id) from web where event = 'x'"}`), nil)
	d.ask(http.MethodPost, "/v1/sql", viewer, []byte(`{"sql":"drop table web"}`), nil)
	unknown := "tarn_0123456789abcdef_" + strings.Repeat("0", 64)
	for range 3 {
		d.ask(http.MethodGet, "/v1/me", unknown, nil, nil)
		d.ask(http.MethodGet, "/v1/me", "", nil, nil) // who sends nothing attempts nothing
		d.ask(http.MethodPost, "/v1/track", "", []byte(`{"event":"x","userId":"u"}`), nil)
	}
	d.ask(http.MethodPost, "/v1/track", "", []byte(`{"event":"x","userId":"u","writeKey":"`+unknown+`"}`), nil)
	d.ask(http.MethodGet, "/v1/me", "a.b.c", nil, nil)
	type line struct{ Action, Outcome, Sent, On string }
	var got []line
	for _, r := range d.entries(t)[before:] {
		got = append(got, line{string(r.Action), r.Outcome, string(r.Sent), r.On["dataset"]})
	}
	want := []line{
		{"dataset:delete", "denied", "{}", "web"},
		{"sql:run", "done", `{"request":{"sql":"select count(event_id) from web where event = 'x'"}}`, ""},
		{"key:use", "done", "{}", ""},
		{"sql:run", "sql_not_select", `{"request":{"sql":"drop table web"}}`, ""},
		{"credential:refuse", "unknown_key", `{"from":"192.0.2.1"}`, ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAReadIsAnsweredThoughTheLogIsAway(t *testing.T) {
	t.Parallel()
	d := newDependent(t)
	create(t, &d.world, "web")
	d.ask(http.MethodGet, "/v1/me", d.keys[access.Owner], nil, nil)
	d.outages["table"].set(losing)
	if status, _, body := d.request(http.MethodPost, "/v1/sql", `{"sql":"select 1"}`); status != http.StatusOK {
		t.Error(status, string(body))
	}
}

// TestTheLogIsListedFilteredAndTakenAway asks over the API.
func TestTheLogIsListedFilteredAndTakenAway(t *testing.T) {
	t.Parallel()
	d := newDependent(t)
	for i := range 5 {
		create(t, &d.world, fmt.Sprint("d", i))
	}
	if out := d.ask(http.MethodDelete, "/v1/datasets/d3", d.keys[access.Owner], nil, nil); out.Code != http.StatusNoContent {
		t.Fatal(out.Code, out.Body)
	}
	owner := ""
	var created []string
	next := ""
	for pages := 0; pages == 0 || next != ""; pages++ {
		var page struct {
			Entries []struct {
				By, Outcome string
				On          map[string]string
				Sent        struct{ Request struct{ Name string } }
			}
			Next json.Number
		}
		d.get(t, "/v1/audit?limit=2&action=dataset:create&next="+next, &page)
		for _, e := range page.Entries {
			created, owner = append(created, e.Sent.Request.Name), e.By
		}
		next = page.Next.String()
	}
	if !slices.Equal(created, []string{"d0", "d1", "d2", "d3", "d4"}) {
		t.Error(created)
	}
	for query, want := range map[string]int{
		"action=dataset:delete": 1, "who=user:nobody": 0, "who=" + owner + "&action=dataset:create": 5,
		"to=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339): 0,
	} {
		var page struct{ Entries []struct{} }
		if d.get(t, "/v1/audit?"+query, &page); len(page.Entries) != want {
			t.Errorf("%s: %d entries, want %d", query, len(page.Entries), want)
		}
	}
	table, err := csv.NewReader(d.ask(http.MethodGet, "/v1/audit/export?format=csv&action=dataset:delete", d.keys[access.Owner], nil, nil).Body).ReadAll()
	if err != nil || len(table) != 2 || table[1][6] != `{"dataset":"d3"}` {
		t.Error(table, err)
	}
	lines := strings.Split(strings.TrimSpace(d.ask(http.MethodGet, "/v1/audit/export", d.keys[access.Owner], nil, nil).Body.String()), "\n")
	if len(lines) != len(d.entries(t)) {
		t.Errorf("%d lines of %d entries", len(lines), len(d.entries(t)))
	}
	var report audit.Report
	if d.get(t, "/v1/audit/verify", &report); !report.Whole || !report.Ended || int(report.Through.Number) != len(lines) {
		t.Errorf("%+v", report)
	}
	if d.get(t, fmt.Sprintf("/v1/audit/verify?number=%d&hash=%s", report.Through.Number, report.Through.Hash), &report); !report.Whole {
		t.Errorf("%+v", report)
	}
	if d.get(t, "/v1/audit/verify?number=2&hash=00", &report); report.Whole || report.Broken == nil {
		t.Errorf("%+v", report)
	}
	if out := d.ask(http.MethodGet, "/v1/audit/verify?number=2", d.keys[access.Owner], nil, nil); out.Code != http.StatusBadRequest {
		t.Error(out.Code, out.Body)
	}
}

// get asks as the owner and reads a JSON answer.
func (d *dependent) get(t *testing.T, target string, into any) {
	t.Helper()
	out := d.ask(http.MethodGet, target, d.keys[access.Owner], nil, nil)
	if err := json.Unmarshal(out.Body.Bytes(), into); err != nil || out.Code != http.StatusOK {
		t.Fatal(target, out.Code, out.Body, err)
	}
}
