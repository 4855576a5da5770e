// Package scenario is the API's contract as one story, told to any server that has
// an address and a key: the one of this machine, or the functions of a stage. It
// makes a dataset of its own, sends events in every form, and compares every number
// with what was sent.
package scenario

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/route"
)

// Target is a running server. The key may do everything in its workspace.
type Target struct{ URL, Key string }

// story is what the steps share.
type story struct {
	client
	dataset string
	sent    []string // versions of everything acknowledged
	keys    map[string]string
}

// Run tells the story. Its steps build on each other: the first one that fails ends it.
func Run(t *testing.T, at Target) {
	s := &story{client: client{strings.TrimSuffix(at.URL, "/"), at.Key, &http.Client{Timeout: time.Minute}},
		dataset: "contract_" + strings.ToLower(rand.Text()[:10]), keys: map[string]string{}}
	for _, step := range []struct {
		claim string
		tell  func(*testing.T)
	}{
		{"the service says that it lives, what its API is and where people sign in", s.reference},
		{"a dataset is made once, and bad ones are refused with a reason", s.create},
		{"keys are made for a role and a dataset, shown once, and listed without secrets", s.makeKeys},
		{"every endpoint refuses nobody with 401 and a stranger with 403", s.refusals},
		{"an array of events is answered event by event, and a bad one costs its neighbours nothing", s.array},
		{"lines arrive compressed", s.lines},
		{"one object is one event, whatever it is compressed with", s.object},
		{"Segment-compatible calls go to the dataset of their key", s.segment},
		{"what is sent again is acknowledged again", s.again},
		{"a query sees everything acknowledged before it, and counts each event once", s.counts},
		{"days are those of the zone that was asked for", s.days},
		{"an answer comes as CSV to who wants that", s.csv},
		{"SQL is answered as a query is, of the caller's datasets alone", s.sql},
		{"a wrong question is told what is wrong with it", s.wrong},
		{"each event's fate is known by its id", s.fates},
		{"what is in quarantine is listed with reasons", s.quarantine},
		{"the ledger accounts for every event", func(t *testing.T) { s.balance(t, account{212, 108, 102, 2, 0, 0, 0, 108}) }},
		{"quarantined events are sent again, mended", s.replay},
		{"a replay moves events within the ledger and adds none", func(t *testing.T) { s.balance(t, account{212, 109, 102, 1, 0, 0, 0, 109}) }},
		{"a dataset shows its columns and its rows", s.describe},
		{"a revoked key is refused", s.revoke},
		{"a deleted dataset is gone", s.remove},
	} {
		if !t.Run(step.claim, step.tell) {
			t.FailNow()
		}
	}
}

func (s *story) path(rest string) string { return "/v1/datasets/" + s.dataset + rest }

func (s *story) reference(t *testing.T) {
	nobody := s.with("")
	nobody.must(t, http.StatusOK, http.MethodGet, "/healthz", nil)
	signIn := as[map[string]string](t, nobody.must(t, http.StatusOK, http.MethodGet, "/v1/sign-in", nil))
	for _, name := range []string{"issuer", "client_id", "authorization", "token"} {
		if signIn[name] == "" {
			t.Errorf("the sign-in has no %s: %v", name, signIn)
		}
	}
	document := as[struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct{ Security *[]any }
	}](t, nobody.must(t, http.StatusOK, http.MethodGet, "/openapi.json", nil))
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("the document is of OpenAPI %s", document.OpenAPI)
	}
	for _, r := range route.All {
		operation, described := document.Paths[r.Path][strings.ToLower(r.Method)]
		if open := operation.Security != nil && len(*operation.Security) == 0; !described || open != (r.Action == "") {
			t.Errorf("%s: described %v, open to anyone %v", r.Pattern(), described, open)
		}
	}
}

func (s *story) create(t *testing.T) {
	web := map[string]any{"name": s.dataset, "kind": "events"}
	made := as[map[string]any](t, s.must(t, http.StatusCreated, http.MethodPost, "/v1/datasets", web))
	if made["name"] != s.dataset || made["kind"] != "events" {
		t.Errorf("made %v", made)
	}
	s.problem(t, http.StatusConflict, "dataset_exists", http.MethodPost, "/v1/datasets", web)
	s.problem(t, http.StatusBadRequest, "bad_dataset_name", http.MethodPost, "/v1/datasets", map[string]any{"name": "1-x", "kind": "events"})
	s.problem(t, http.StatusNotFound, "dataset_not_found", http.MethodGet, "/v1/datasets/"+s.dataset+"_not", nil)
	list := as[struct{ Datasets []struct{ Name string } }](t, s.must(t, http.StatusOK, http.MethodGet, "/v1/datasets?limit=1000", nil))
	if !strings.Contains(fmt.Sprint(list.Datasets), "{"+s.dataset+"}") {
		t.Errorf("it is not among %v", list.Datasets)
	}
}

// problem sends a request that must be refused in a certain way.
func (c client) problem(t *testing.T, status int, code, method, path string, body any) {
	t.Helper()
	r := c.must(t, status, method, path, body)
	p := as[map[string]any](t, r)
	if r.header.Get("Content-Type") != "application/problem+json" || p["code"] != code || p["detail"] == "" {
		t.Errorf("%s %s: %s %s, not a problem of code %s", method, path, r.header.Get("Content-Type"), r.body, code)
	}
}

func (s *story) makeKeys(t *testing.T) {
	for _, role := range []string{"producer", "viewer", "stranger"} {
		spec := map[string]any{"name": s.dataset + " " + role, "role": role, "dataset": s.dataset}
		if role == "stranger" {
			spec["role"], spec["dataset"] = "producer", s.dataset+"_other"
		}
		made := as[map[string]any](t, s.must(t, http.StatusCreated, http.MethodPost, "/v1/keys", spec))
		key, _ := made["key"].(string)
		s.keys[role] = key
		s.keys[role+" id"], _ = made["id"].(string)
		self := as[map[string]any](t, s.with(key).must(t, http.StatusOK, http.MethodGet, "/v1/me", nil))
		if self["role"] != spec["role"] || self["dataset"] != spec["dataset"] {
			t.Errorf("a key for %v is %v", spec, self)
		}
	}
	list := s.must(t, http.StatusOK, http.MethodGet, "/v1/keys?limit=1000", nil)
	if !bytes.Contains(list.body, []byte(s.keys["viewer id"])) || bytes.Contains(list.body, []byte(s.keys["viewer"])) {
		t.Error("the list lacks a key, or shows a secret")
	}
}

func (s *story) refusals(t *testing.T) {
	fill := strings.NewReplacer("{dataset}", s.dataset, "{key}", s.keys["viewer id"])
	for _, r := range route.All {
		if r.Action == "" {
			continue
		}
		var body any
		if r.Method == http.MethodPost || r.Method == http.MethodPatch {
			body = "{}"
		}
		if got := s.with("").send(t, r.Method, fill.Replace(r.Path), body); got.status != http.StatusUnauthorized {
			t.Errorf("%s answers %d to nobody: %.300s", r.Pattern(), got.status, got.body)
		}
		if got := s.with("tarn_wrong").send(t, r.Method, fill.Replace(r.Path), body); got.status != http.StatusUnauthorized {
			t.Errorf("%s answers %d to an unknown key: %.300s", r.Pattern(), got.status, got.body)
		}
		got, want := s.with(s.keys["stranger"]).send(t, r.Method, fill.Replace(r.Path), body), http.StatusForbidden
		switch {
		case r.ID == route.GetSelf.ID:
			want = http.StatusOK // anyone may know who they are
		case r.ID == route.CreateToken.ID:
			want = http.StatusBadRequest // anyone may have a token of their key's, and asks for it by a form
		case slices.ContainsFunc(route.PostHogFlags, func(f route.Route) bool { return f.ID == r.ID }):
			want = http.StatusOK // there are none, whoever asks with a producer's key
		case r.Producer && !strings.Contains(r.Path, "{dataset}"):
			want = http.StatusNotFound // it goes to the stranger's own dataset, which is not there
		}
		if got.status != want {
			t.Errorf("%s answers %d to a stranger, not %d: %.300s", r.Pattern(), got.status, want, got.body)
		}
	}
	viewer := s.with(s.keys["viewer"])
	viewer.must(t, http.StatusForbidden, http.MethodPost, s.path("/events"), `[]`)
	viewer.must(t, http.StatusForbidden, http.MethodDelete, s.path(""), nil)
	s.with(s.keys["producer"]).must(t, http.StatusForbidden, http.MethodPost, "/v1/query", map[string]any{"dataset": s.dataset, "measures": []string{"count"}})
}

// answered is the answer to events.
type answered struct {
	Accepted int
	Events   []struct {
		EventID string `json:"event_id"`
		Fate    string
		Reason  string
	}
	Hint string
}

// events sends a body of events and notes its version.
func (s *story) events(t *testing.T, body any, options ...func(*http.Request)) answered {
	t.Helper()
	r := s.must(t, http.StatusOK, http.MethodPost, s.path("/events"), body, options...)
	s.sent = append(s.sent, r.version(t))
	return as[answered](t, r)
}

// opened are three events around two midnights of Zurich, between which the clock
// there goes forward.
var opened = []map[string]any{
	{"event_id": "a1", "event": "opened", "time": "2026-03-28T23:30:00Z", "user_id": "u1", "session_id": "s1"},
	{"event_id": "a2", "event": "opened", "time": "2026-03-29T21:30:00Z", "user_id": "u2"},
	{"event_id": "a3", "event": "opened", "time": "2026-03-29T22:30:00Z", "anonymous_id": "x"},
}

func (s *story) array(t *testing.T) {
	got := s.events(t, append(opened[:3:3], map[string]any{"event_id": "bad1", "user_id": "u1"}, map[string]any{"event": "loose", "time": "2026-03-29T12:00:00Z"}))
	if got.Accepted != 5 || len(got.Events) != 5 || got.Hint == "" {
		t.Fatalf("five events, one of them without an id, are answered %+v", got)
	}
	for i, e := range got.Events {
		want := "accepted"
		if i == 3 {
			want = "quarantined"
		}
		if e.Fate != want || (e.Reason != "") != (i == 3) || e.EventID == "" {
			t.Errorf("event %d: %+v", i, e)
		}
	}
}

const bought = 100

// purchase is one of many events over 100 minutes, of seven users, with 2,475 of
// revenue in all.
func purchase(i int) map[string]any {
	return map[string]any{"event_id": fmt.Sprintf("n%d", i), "event": "bought", "user_id": fmt.Sprintf("u%d", i%7),
		"time":       time.Date(2026, 2, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339),
		"properties": map[string]any{"revenue": float64(i) / 2, "item": fmt.Sprintf("Zürich, \"%d\"", i%3)}}
}

func (s *story) lines(t *testing.T) {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	lines := json.NewEncoder(z)
	for i := range bought {
		if err := lines.Encode(purchase(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(z, `{"event_id":"bad2","event":5}`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got := s.events(t, body.Bytes(), header("Content-Type", "application/x-ndjson"), header("Content-Encoding", "gzip"))
	if n := len(got.Events); got.Accepted != bought+1 || n != bought+1 || got.Events[n-1].Fate != "quarantined" || got.Events[0].Fate != "accepted" {
		t.Errorf("answered %d for %d events", got.Accepted, n)
	}
}

func (s *story) object(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := z.EncodeAll([]byte(`{"event_id": "c1", "event": "closed", "time": "1999-12-31T23:59:59Z"}`), nil)
	if got := s.events(t, body, header("Content-Encoding", "zstd")); got.Accepted != 1 || got.Events[0].EventID != "c1" {
		t.Errorf("answered %+v", got)
	}
}

func (s *story) segment(t *testing.T) {
	message := func(id string) map[string]any {
		return map[string]any{"type": "track", "event": "tracked", "userId": "u1", "messageId": id, "timestamp": "2026-04-01T12:00:00Z"}
	}
	basic := func(r *http.Request) { r.SetBasicAuth(s.keys["producer"], "") }
	in := message("s3")
	in["writeKey"] = s.keys["producer"]
	for _, r := range []reply{
		s.with("").must(t, http.StatusOK, http.MethodPost, "/v1/batch", map[string]any{"batch": []any{message("s1"), message("s2")}}, basic),
		s.with("").must(t, http.StatusOK, http.MethodPost, "/v1/track", in),
	} {
		s.sent = append(s.sent, r.version(t))
	}
}

func (s *story) again(t *testing.T) {
	batch := make([]any, bought)
	for i := range batch {
		batch[i] = purchase(bought - 1 - i)
	}
	if got := s.events(t, batch, header("Authorization", "Bearer "+s.keys["producer"])); got.Accepted != bought {
		t.Errorf("answered %d", got.Accepted)
	}
	if got := s.events(t, []any{opened[0], opened[0]}); got.Accepted != 2 {
		t.Errorf("answered %d", got.Accepted)
	}
}

// result is the answer to a query.
type result struct {
	Columns []struct{ Name, Type string }
	Rows    [][]any
}

func (s *story) counts(t *testing.T) {
	count := map[string]any{"dataset": s.dataset, "kind": "aggregate", "measures": []string{"count"}}
	for _, version := range s.sent {
		s.query(t, count, version)
	}
	got := as[result](t, s.with(s.keys["viewer"]).query(t, map[string]any{"dataset": s.dataset,
		"measures": []any{"count", map[string]any{"name": "users", "op": "count_distinct", "column": "user_id"},
			map[string]any{"name": "revenue", "op": "sum", "column": "revenue"}},
		"dimensions": []string{"event"}, "order": []any{map[string]any{"by": "event"}}}, ""))
	want := [][]any{{"bought", 100., 7., 2475.}, {"closed", 1., 0., nil}, {"loose", 1., 0., nil}, {"opened", 3., 2., nil}, {"tracked", 3., 1., nil}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("%v, -want +got:\n%s", got.Columns, diff)
	}
}

func (s *story) days(t *testing.T) {
	got := as[result](t, s.query(t, map[string]any{"dataset": s.dataset, "measures": []string{"count"},
		"time":   map[string]any{"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "grain": "day", "zone": "Europe/Zurich"},
		"filter": map[string]any{"and": []any{map[string]any{"column": "event", "op": "=", "value": "opened"}}}}, ""))
	want := [][]any{{"2026-03-28T23:00:00Z", 2.}, {"2026-03-29T22:00:00Z", 1.}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func (s *story) csv(t *testing.T) {
	r := s.query(t, map[string]any{"dataset": s.dataset, "measures": []string{"count"}, "dimensions": []string{"item"},
		"filter": map[string]any{"column": "event", "op": "=", "value": "bought"}, "order": []any{map[string]any{"by": "item"}}}, "",
		header("Accept", "text/csv, application/json;q=0.5"))
	want := "item,count\r\n\"Zürich, \"\"0\"\"\",34\r\n\"Zürich, \"\"1\"\"\",33\r\n\"Zürich, \"\"2\"\"\",33\r\n"
	if !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") || string(r.body) != want {
		t.Errorf("%s:\n%s", r.header.Get("Content-Type"), r.body)
	}
}

func (s *story) sql(t *testing.T) {
	viewer := s.with(s.keys["viewer"])
	ask := func(text string, parameters ...any) map[string]any {
		return map[string]any{"sql": strings.ReplaceAll(text, "dataset", s.dataset), "parameters": parameters}
	}
	got := as[result](t, viewer.must(t, http.StatusOK, http.MethodPost, "/v1/sql",
		ask("select event, count(*), count(distinct user_id), sum(revenue) from dataset where event not in ('loose') and time >= ? group by 1 order by 1", "2026-02-01T00:00:00Z")))
	want := [][]any{{"bought", 100., 7., 2475.}, {"opened", 3., 2., nil}, {"tracked", 3., 1., nil}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("%v, -want +got:\n%s", got.Columns, diff)
	}
	if r := viewer.must(t, http.StatusOK, http.MethodPost, "/v1/sql?format=parquet", ask("select * from dataset")); !bytes.HasPrefix(r.body, []byte("PAR1")) || !bytes.HasSuffix(r.body, []byte("PAR1")) {
		t.Errorf("%d bytes are no Parquet file", len(r.body))
	}
	viewer.problem(t, http.StatusForbidden, "denied", http.MethodPost, "/v1/sql", ask("select 1 from another"))
	viewer.problem(t, http.StatusBadRequest, "sql_table_function", http.MethodPost, "/v1/sql", ask("select * from read_text('/proc/self/environ')"))
	viewer.problem(t, http.StatusBadRequest, "out_of_memory", http.MethodPost, "/v1/sql", ask("select length(repeat('x', 4000000000)) from dataset"))
}

func (s *story) wrong(t *testing.T) {
	for _, body := range []any{`{`, `[]`, map[string]any{"dataset": s.dataset, "measures": []string{"cuont"}},
		map[string]any{"dataset": s.dataset, "measures": []string{"count"}, "dimensions": []string{"no_such_column"}}} {
		if r := s.send(t, http.MethodPost, "/v1/query", body); r.status != http.StatusBadRequest || as[map[string]any](t, r)["code"] == "" {
			t.Errorf("%v is answered %d %s", body, r.status, r.body)
		}
	}
	s.problem(t, http.StatusNotFound, "dataset_not_found", http.MethodPost, "/v1/query", map[string]any{"dataset": "no_such_dataset", "measures": []string{"count"}})
}

func (s *story) fates(t *testing.T) {
	for id, want := range map[string]string{"a1": "stored 2", "a2": "stored 0", "n7": "stored 1", "s1": "stored 0", "c1": "stored 0", "bad1": "quarantined 0", "bad2": "quarantined 0"} {
		f := as[map[string]any](t, s.must(t, http.StatusOK, http.MethodGet, s.path("/events?id="+id), nil))
		if got := fmt.Sprint(f["fate"], " ", f["duplicates"]); got != want || f["event_id"] != id {
			t.Errorf("%s is %s, not %s: %v", id, got, want, f)
		}
		if want == "quarantined 0" && (f["code"] == nil || f["reason"] == nil) {
			t.Errorf("%s has no reason: %v", id, f)
		}
	}
	s.must(t, http.StatusOK, http.MethodGet, s.path("/events?id=a1&time=2026-03-28T00:00:00Z"), nil)
	s.problem(t, http.StatusNotFound, "event_not_seen", http.MethodGet, s.path("/events?id=never"), nil)
}

func (s *story) quarantine(t *testing.T) {
	page := as[struct {
		Events []struct {
			EventID      string `json:"event_id"`
			Code, Reason string
		}
		Total int
	}](t, s.must(t, http.StatusOK, http.MethodGet, s.path("/quarantine"), nil))
	listed := map[string]bool{}
	for _, e := range page.Events {
		listed[e.EventID] = e.Code != "" && e.Reason != ""
	}
	if !listed["bad1"] || !listed["bad2"] || len(page.Events) != 2 || page.Total != 2 {
		t.Errorf("listed are %+v", page)
	}
}

// account is what the ledger says, in the order in which the API documents it.
type account struct {
	Accepted, Stored, Duplicate, Quarantined, Dropped, Pending, Erased, Visible int64
}

// balance reads the ledger until nothing is pending, and compares.
func (s *story) balance(t *testing.T, want account) {
	for ends := time.Now().Add(patience); ; {
		got := as[struct {
			account
			Hours []account
		}](t, s.must(t, http.StatusOK, http.MethodGet, s.path("/ledger"), nil))
		if got.Pending > 0 && time.Now().Before(ends) {
			pause(t)
			continue
		}
		if diff := cmp.Diff(want, got.account); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		var hours int64
		for _, h := range got.Hours {
			hours += h.Accepted
		}
		if sum := got.Stored + got.Duplicate + got.Quarantined + got.Dropped; sum != got.Accepted || hours != got.Accepted {
			t.Errorf("%d accepted, %d in hours, %d with a fate", got.Accepted, hours, sum)
		}
		return
	}
}

func (s *story) replay(t *testing.T) {
	mended := map[string]any{"events": []any{map[string]any{"event_id": "bad1", "event": "mended", "time": "2026-03-29T12:00:00Z"}}}
	r := s.must(t, http.StatusOK, http.MethodPost, s.path("/quarantine/replay"), mended)
	if n := as[map[string]int](t, r)["replayed"]; n != 2 {
		t.Errorf("%d were replayed", n)
	}
	got := as[result](t, s.query(t, map[string]any{"dataset": s.dataset, "measures": []string{"count"},
		"filter": map[string]any{"column": "event", "op": "=", "value": "mended"}}, r.version(t)))
	if diff := cmp.Diff([][]any{{1.}}, got.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f := as[map[string]any](t, s.must(t, http.StatusOK, http.MethodGet, s.path("/events?id=bad1"), nil)); f["fate"] != "stored" {
		t.Errorf("the mended event is %v", f)
	}
}

func (s *story) describe(t *testing.T) {
	s.must(t, http.StatusOK, http.MethodPatch, s.path(""), map[string]any{"columns": []any{map[string]any{"name": "plan", "type": "text"}}})
	s.problem(t, http.StatusConflict, "column_has_values", http.MethodPatch, s.path(""), map[string]any{"columns": []any{map[string]any{"name": "item", "type": "int"}}})
	got := as[struct {
		Rows   int
		Schema struct{ Columns []struct{ Name, Type string } }
	}](t, s.must(t, http.StatusOK, http.MethodGet, s.path(""), nil))
	columns := map[string]string{}
	for _, c := range got.Schema.Columns {
		columns[c.Name] = c.Type
	}
	if got.Rows != 109 || columns["event_id"] != "text" || columns["revenue"] != "float" || columns["item"] != "text" || columns["plan"] != "text" {
		t.Errorf("%d rows of %v", got.Rows, columns)
	}
}

// forgotten is how long a revoked key may still be accepted: the gateway's memory
// of its authorizer's answers, and the authorizer's own.
const forgotten = 70 * time.Second

func (s *story) revoke(t *testing.T) {
	s.must(t, http.StatusNoContent, http.MethodDelete, "/v1/keys/"+s.keys["viewer id"], nil)
	for ends := time.Now().Add(forgotten); ; {
		r := s.with(s.keys["viewer"]).send(t, http.MethodGet, "/v1/me", nil)
		if r.status == http.StatusUnauthorized {
			break
		}
		if r.status != http.StatusOK || time.Now().After(ends) {
			t.Fatalf("a revoked key is answered %d %s", r.status, r.body)
		}
		pause(t)
	}
	s.problem(t, http.StatusNotFound, "key_not_found", http.MethodDelete, "/v1/keys/0000000000000000", nil)
}

func (s *story) remove(t *testing.T) {
	s.must(t, http.StatusNoContent, http.MethodDelete, s.path(""), nil)
	s.problem(t, http.StatusNotFound, "dataset_not_found", http.MethodGet, s.path(""), nil)
	s.problem(t, http.StatusNotFound, "dataset_not_found", http.MethodGet, s.path("/ledger"), nil)
}
