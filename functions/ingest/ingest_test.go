package ingest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// service serves the endpoints over ports in memory.
type service struct {
	*api.Server
	catalog dataset.Catalog
	keys    access.Keys
	stream  *fake.Stream
	away    error // what the stream answers, if anything
	salts   *fieldrule.Salts
	slept   time.Duration
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{stream: fake.NewStream(1)}
	now := func() time.Time { return noon.Add(s.slept) }
	tbl := &fake.Table{}
	s.catalog, s.keys = dataset.Catalog{Table: tbl, Now: now}, access.Keys{Table: tbl, Now: now, Random: rand.Reader}
	auth := &access.Authenticator{Keys: s.keys}
	s.Server = api.New(auth.Identify, now, slog.New(slog.DiscardHandler))
	s.salts = &fieldrule.Salts{Secrets: &fake.Secrets{}}
	producer := ingest.NewProducer(ingest.Options{ID: 1, Stream: frail{s.stream, s}, Buckets: 1, Now: now,
		Sleep: func(_ context.Context, d time.Duration) { s.slept += d }})
	Register(s.Server, Deps{Authenticator: auth, Datasets: &dataset.Cache{Catalog: s.catalog}, Producer: producer, Enricher: enrich.New(s.salts, s.catalog.Table, &fake.Blobs{}, now), Now: now})
	for _, spec := range []dataset.Spec{{Name: "web", Kind: dataset.Events}, {Name: "prices", Kind: dataset.Table}} {
		if _, err := s.catalog.Create(t.Context(), "acme", spec); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// frail is a stream that can be away.
type frail struct {
	stream.Stream
	s *service
}

func (f frail) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	if f.s.away != nil {
		return nil, f.s.away
	}
	return f.Stream.Put(ctx, entries)
}

// key makes a key; bound to no dataset if none is named.
func (s *service) key(t *testing.T, role access.Role, bound dataset.Name) string {
	t.Helper()
	_, secret, err := s.keys.Create(t.Context(), "acme", access.KeySpec{Name: "test", Role: role, Dataset: bound})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (s *service) post(path, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out
}

// arrived returns what is on the stream, as "dataset: event id", in order.
func (s *service) arrived(t *testing.T) (all []string) {
	t.Helper()
	s.each(t, func(in dataset.Name, e events.Event) { all = append(all, string(in)+": "+e.ID) })
	return all
}

// each calls do with what is on the stream, in order.
func (s *service) each(t *testing.T, do func(dataset.Name, events.Event)) {
	t.Helper()
	records, _, err := s.stream.Read(t.Context(), "shard-1", "", 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	var decoder events.Decoder
	for _, r := range records {
		env, err := decoder.Record(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.catalog.ByID(t.Context(), "acme", dataset.ID(env.Dataset))
		if err != nil || env.Tenant != "acme" || env.Arrived < noon.UnixMicro() {
			t.Fatalf("%v %+v", err, env)
		}
		for _, e := range env.Events {
			do(d.Name, e)
		}
	}
}

func TestTheAnswerTellsEachEventsFate(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "")
	out := s.post("/v1/datasets/web/events", key, `[{"event_id":"e1","event":"x"},{"event_id":"e\"2\u00e9"},{"event":"x"}]`)
	var got receipt
	if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != http.StatusOK || out.Header().Get("Content-Type") != "application/json" {
		t.Fatal(out.Code, err, out.Body)
	}
	want := receipt{Accepted: 3, Events: []eventFate{
		{EventID: "e1", Fate: "accepted"},
		{EventID: "e\"2é", Fate: "quarantined", Code: "no_event_name", Reason: got.Events[1].Reason},
		{EventID: got.Events[2].EventID, Fate: "accepted", MadeID: true},
	}, Hint: got.Hint}
	if diff := cmp.Diff(want, got); diff != "" || got.Hint == "" || got.Events[1].Reason == "" || got.Events[2].EventID == "" {
		t.Errorf("%s in %s", diff, out.Body)
	}
	if diff := cmp.Diff([]string{"web: e1", "web: e\"2é", "web: " + got.Events[2].EventID}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	if at, err := snapshot.ParsePosition(out.Header().Get("Tarn-Version")); err != nil || at["shard-1"] == "" {
		t.Errorf("Tarn-Version is %v, %v", at, err)
	}
}

func TestNoEventsAreAnsweredAndPutNowhere(t *testing.T) {
	s := newService(t)
	out := s.post("/v1/datasets/web/events", "Bearer "+s.key(t, access.Producer, ""), `[]`)
	if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != `{"accepted":0,"events":[]}` || len(s.arrived(t)) != 0 {
		t.Errorf("%d %s %v", out.Code, out.Body, s.arrived(t))
	}
	if _, err := snapshot.ParsePosition(out.Header().Get("Tarn-Version")); err != nil {
		t.Errorf("what there is to wait for: %v", err)
	}
}

func TestEventsThatAreRefusedGoNowhere(t *testing.T) {
	s := newService(t)
	producer, viewer, bound := s.key(t, access.Producer, ""), s.key(t, access.Viewer, ""), s.key(t, access.Producer, "shop")
	for name, c := range map[string]struct {
		path, authorization, body string
		status                    int
		code                      string
	}{
		"from nobody":                  {"/v1/datasets/web/events", "", `[{"event":"x"}]`, 401, "unauthenticated"},
		"from an unknown key":          {"/v1/datasets/web/events", "Bearer " + producer[:len(producer)-1] + "x", `[{"event":"x"}]`, 401, "unknown_key"},
		"from a reader":                {"/v1/datasets/web/events", "Bearer " + viewer, `[{"event":"x"}]`, 403, "denied"},
		"from a key of another":        {"/v1/datasets/web/events", "Bearer " + bound, `[{"event":"x"}]`, 403, "denied"},
		"into nothing":                 {"/v1/datasets/nothing/events", "Bearer " + producer, `[{"event":"x"}]`, 404, "dataset_not_found"},
		"into a table":                 {"/v1/datasets/prices/events", "Bearer " + producer, `[{"event":"x"}]`, 400, "not_an_events_dataset"},
		"in no form":                   {"/v1/datasets/web/events", "Bearer " + producer, `<event/>`, 400, "bad_json"},
		"past the limit":               {"/v1/datasets/web/events", "Bearer " + producer, strings.Repeat(" ", route.MaxIngest+1), 413, "body_too_large"},
		"a message from nobody":        {"/v1/track", "", `{"event":"x","userId":"u"}`, 401, "unauthenticated"},
		"a message from a reader":      {"/v1/track", "Bearer " + viewer, `{"event":"x","userId":"u"}`, 403, "denied"},
		"a message that is no message": {"/v1/track", "Bearer " + producer, `[]`, 400, "bad_json"},
		"a batch without messages":     {"/v1/batch", "Bearer " + producer, `{}`, 400, "no_batch"},
		"a key bound to what is gone":  {"/v1/track", "Bearer " + bound, `{"event":"x","userId":"u"}`, 404, "dataset_not_found"},
	} {
		out := s.post(c.path, c.authorization, c.body)
		if out.Code != c.status || !strings.Contains(out.Body.String(), `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
	if got := s.arrived(t); len(got) != 0 {
		t.Errorf("on the stream are %v", got)
	}
}

func TestAMessageGoesWhereItsKeySays(t *testing.T) {
	s := newService(t)
	bound, unbound := s.key(t, access.Producer, "web"), s.key(t, access.Producer, "")
	basic := func(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) }
	for i, c := range []struct{ path, authorization, body string }{
		{"/v1/track", "Bearer " + bound, `{"messageId":"m0","event":"x","userId":"u"}`},
		{"/v1/identify", basic(bound), `{"messageId":"m1","userId":"u"}`},
		{"/v1/page", "", `{"messageId":"m2","userId":"u","writeKey":"` + bound + `"}`},
		{"/v1/batch", "", `{"batch":[{"messageId":"m3","type":"track","event":"x","userId":"u"}],"writeKey":"` + unbound + `"}`},
		{"/v1/b", basic(unbound), `{"batch":[{"messageId":"m4","type":"alias","userId":"u"}]}`},
		{"/b", "Bearer " + bound, `{"batch":[{"messageId":"m5","type":"group","userId":"u"}],"writeKey":"` + unbound + `"}`},
	} {
		out := s.post(c.path, c.authorization, c.body)
		if out.Code != http.StatusOK || out.Body.String() != `{"success":true}` || out.Header().Get("Tarn-Version") == "" {
			t.Errorf("%d: %d %s", i, out.Code, out.Body)
		}
	}
	want := []string{"web: m0", "web: m1", "web: m2", "events: m3", "events: m4", "web: m5"}
	if diff := cmp.Diff(want, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	if out := s.post("/v1/track", "Bearer nobody", `{"event":"x","userId":"u","writeKey":"`+bound+`"}`); out.Code != http.StatusUnauthorized {
		t.Errorf("a wrong header is made good by the body: %d", out.Code)
	}
}

func TestAStreamThatIsAwayIsToldAndHeldAgainstNobody(t *testing.T) {
	s := newService(t)
	key := "Bearer " + s.key(t, access.Producer, "web")
	for kind, status := range map[fault.Kind]int{fault.Unavailable: 503, fault.Throttled: 429} {
		s.away = fault.New(kind, "away", "away")
		for path, body := range map[string]string{"/v1/datasets/web/events": `{"event":"x"}`, "/v1/batch": `{"batch":[{"type":"track","event":"x","userId":"u"}]}`} {
			if out := s.post(path, key, body); out.Code != status || out.Header().Get("Retry-After") == "" || out.Header().Get("Tarn-Version") != "" {
				t.Errorf("%s: %d %v %s", path, out.Code, out.Header(), out.Body)
			}
		}
	}
	s.away = nil
	if out := s.post("/v1/datasets/web/events", key, `{"event":"x"}`); out.Code != http.StatusOK {
		t.Errorf("once it is back: %d %s", out.Code, out.Body)
	}
}

func TestTheAnswerIsWhatEncodingJSONWouldWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		var sent []events.Event
		want := receipt{Events: []eventFate{}}
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			e := events.Event{ID: text.Draw(t, "id"), MadeID: rapid.Bool().Draw(t, "made")}
			fate := eventFate{EventID: e.ID, Fate: "accepted", MadeID: e.MadeID}
			if rapid.Bool().Draw(t, "refused") {
				e.Refused = events.Refusal{Code: "code", Reason: text.Draw(t, "reason")}
				fate.Fate, fate.Code, fate.Reason = "quarantined", "code", e.Refused.Reason
			}
			sent, want.Events = append(sent, e), append(want.Events, fate)
		}
		want.Accepted = len(sent)
		out := httptest.NewRecorder()
		if err := writeAnswer(out, sent); err != nil {
			t.Fatal(err)
		}
		if length := out.Header().Get("Content-Length"); length != strconv.Itoa(out.Body.Len()) {
			t.Fatalf("%s bytes announced, %d sent", length, out.Body.Len())
		}
		var got receipt
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil {
			t.Fatal(err, out.Body)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(receipt{}, "Hint")); diff != "" {
			t.Fatal(diff)
		}
	})
}
