package events

import (
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

	wire "github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fate"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/quarantine"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 30, 0, 0, time.UTC)

// service serves the endpoints to an editor, beside an ingestor in memory.
type service struct {
	*api.Server
	t        *testing.T
	stream   *fake.Stream
	live     *tail.Live
	accepted *ingest.Accepted
	producer *ingest.Producer
	dataset  dataset.ID
	now      time.Time
	folded   stream.Sequence
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, stream: fake.NewStream(1), now: noon}
	clock := func() time.Time { return s.now }
	tbl, blobs := &fake.Table{Now: clock}, &fake.Blobs{Now: clock}
	catalog, cache := dataset.Catalog{Table: tbl, Now: clock}, segment.NewCache(blobs, 1<<20)
	store := manifest.Store{Table: tbl, Blobs: blobs, Now: clock}
	s.live = &tail.Live{Catalog: catalog, Manifest: store, Segments: cache, Blobs: blobs, Now: clock}
	s.accepted = &ingest.Accepted{Table: tbl, Producer: 1, Now: clock}
	options := ingest.Options{ID: 1, Stream: s.stream, Buckets: 1, Accepted: s.accepted, Now: clock}
	s.producer = ingest.NewProducer(options)
	d, err := catalog.Create(t.Context(), "acme", dataset.Spec{Name: "web", Kind: dataset.Events})
	if err != nil {
		t.Fatal(err)
	}
	s.dataset = d.ID
	identify := func(*http.Request) (access.Principal, error) {
		return access.Principal{Tenant: "acme", ID: "user:1", Role: access.Editor}, nil
	}
	s.Server = api.New(identify, clock, slog.New(slog.DiscardHandler))
	Register(s.Server, Deps{Gate: gate.New(s.live, tbl, time.Now), Table: tbl, Segments: cache, Finder: fate.Finder{Segments: cache, Stream: s.stream, Suppressions: suppression.Store{Table: tbl}},
		Replayer: quarantine.Replayer{Manifest: store, Segments: cache, Ingest: options, Enricher: enrich.New(&fieldrule.Salts{Secrets: &fake.Secrets{}}, tbl, blobs, clock)}})
	return s
}

// send acknowledges the events of a body.
func (s *service) send(body string) {
	s.t.Helper()
	decoded, err := new(ingest.Decoder).Decode([]byte(body), s.now.UnixMicro())
	if err == nil {
		_, err = s.producer.Put(s.t.Context(), ingest.Batch{Tenant: "acme", Dataset: s.dataset, Arrived: s.now.UnixMicro(), Events: decoded})
	}
	if err == nil {
		err = s.accepted.Flush(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// seal has the ingestor take in all that is on the stream.
func (s *service) seal() {
	s.t.Helper()
	shard := stream.Shard{ID: "shard-1"}
	records, _, err := s.stream.Read(s.t.Context(), shard.ID, s.folded, 1000, 0)
	if err == nil && len(records) > 0 {
		s.folded = records[len(records)-1].Sequence
		_, err = s.live.Fold(s.t.Context(), shard, records)
	}
	if err == nil {
		_, err = s.live.SealNow(s.t.Context(), shard.ID)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) ask(method, path, body string) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	s.ServeHTTP(out, httptest.NewRequest(method, "/v1/datasets/web/"+path, strings.NewReader(body)))
	return out
}

// read asks for something that is there.
func (s *service) read(path string, into any) {
	s.t.Helper()
	out := s.ask(http.MethodGet, path, "")
	if err := json.Unmarshal(out.Body.Bytes(), into); err != nil || out.Code != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, out.Code, out.Body)
	}
}

func TestAFateIsToldByID(t *testing.T) {
	s := newService(t)
	s.send(`[{"event_id":"a b&c","event":"x","time":"2026-01-01T00:00:00Z"},{"event_id":"bad"}]`)
	s.seal()
	for path, want := range map[string]map[string]any{
		"events?id=a+b%26c":                           {"event_id": "a b&c", "fate": "stored", "duplicates": 0.0, "time": "2026-01-01T00:00:00Z", "received_at": "2026-01-02T12:30:00Z"},
		"events?id=a+b%26c&time=2026-01-01T23:00:00Z": {"event_id": "a b&c", "fate": "stored", "duplicates": 0.0, "time": "2026-01-01T00:00:00Z", "received_at": "2026-01-02T12:30:00Z"},
		"events?id=bad":                               {"event_id": "bad", "fate": "quarantined", "duplicates": 0.0, "received_at": "2026-01-02T12:30:00Z", "code": "no_event_name"},
	} {
		var got map[string]any
		s.read(path, &got)
		delete(got, "segment")
		delete(got, "reason")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	for path, status := range map[string]int{"events": 400, "events?id=": 400, "events?id=x&time=yesterday": 400, "events?id=x": 404,
		"events?id=bad&time=": 200, "events?id=a+b%26c&time=2026-01-02T00:00:00Z": 404, "events?id=" + strings.Repeat("x", wire.MaxID+1): 400} {
		if out := s.ask(http.MethodGet, path, ""); out.Code != status {
			t.Errorf("%.40s: %d %s", path, out.Code, out.Body)
		}
	}
}

func TestTheLedgerAccountsForEveryHour(t *testing.T) {
	s := newService(t)
	var got map[string]any
	s.read("ledger", &got)
	if hours, ok := got["hours"].([]any); !ok || len(hours) != 0 || got["accepted"] != 0.0 {
		t.Errorf("an empty ledger is %v", got)
	}
	s.send(`[{"event_id":"a","event":"x"},{"event_id":"a","event":"x"},{"event_id":"b"}]`)
	s.seal()
	s.now = noon.Add(time.Hour)
	s.send(`[{"event_id":"a","event":"x"},{"event_id":"c","event":"x"}]`)
	s.seal()
	s.send(`[{"event_id":"d","event":"x"}]`) // stays on the stream
	got = nil
	s.read("ledger", &got)
	row := func(accepted, stored, duplicate, quarantined, pending float64) map[string]any {
		return map[string]any{"accepted": accepted, "stored": stored, "duplicate": duplicate, "quarantined": quarantined, "dropped": 0.0, "pending": pending}
	}
	first, second, want := row(3, 1, 1, 1, 0), row(3, 1, 1, 0, 1), row(6, 2, 2, 1, 1)
	first["hour"], second["hour"] = "2026-01-02T12:00:00Z", "2026-01-02T13:00:00Z"
	want["erased"], want["expired"], want["visible"], want["hours"] = 0.0, 0.0, 2.0, []any{first, second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestQuarantineIsListedInPages(t *testing.T) {
	s := newService(t)
	for i := range 3 {
		s.send(fmt.Sprintf(`[{"event_id":"bad%d"},{"event_id":"worse%d","event":7}]`, i, i))
		s.seal()
	}
	found := map[string]bool{}
	pages := 0
	for next := ""; ; pages++ {
		var page struct {
			Events []quarantine.Event
			Next   string
			Total  int64
		}
		s.read("quarantine?limit=4&next="+next, &page)
		if page.Total != 6 || len(page.Events) > 4 {
			t.Errorf("a page of %d of %d", len(page.Events), page.Total)
		}
		for _, e := range page.Events {
			if found[e.EventID] || e.Code == "" || e.Reason == "" || !strings.Contains(string(e.Raw), e.EventID) {
				t.Errorf("listed %+v", e)
			}
			found[e.EventID] = true
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if len(found) != 6 || pages != 1 {
		t.Errorf("%d events on %d pages", len(found), pages+1)
	}
	for _, path := range []string{"quarantine?next=x", "quarantine?limit=1001"} {
		if out := s.ask(http.MethodGet, path, ""); out.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", path, out.Code)
		}
	}
}

func TestAReplayMendsWhatItIsTold(t *testing.T) {
	s := newService(t)
	s.send(`[{"event_id":"a"},{"event_id":"b"}]`)
	s.seal()
	out := s.ask(http.MethodPost, "quarantine/replay", `{"events":[{"event_id":"a","event":"x","properties":{"n":9007199254740993}}]}`)
	if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != `{"replayed":2}` {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	if at, err := snapshot.ParsePosition(out.Header().Get("Tarn-Version")); err != nil || len(at) == 0 {
		t.Errorf("Tarn-Version %v %v", at, err)
	}
	s.seal()
	for id, want := range map[string]string{"a": "stored", "b": "quarantined"} {
		var f fate.Fate
		s.read("events?id="+id, &f)
		if f.Fate != want || f.Duplicates != 0 {
			t.Errorf("%s is %+v", id, f)
		}
	}
	var l map[string]any
	s.read("ledger", &l)
	if l["accepted"] != 2.0 || l["stored"] != 1.0 || l["quarantined"] != 1.0 || l["pending"] != 0.0 {
		t.Errorf("after the replay: %v", l)
	}
}

func TestAReplayThatCannotBeUnderstoodSendsNothing(t *testing.T) {
	s := newService(t)
	s.send(`[{"event_id":"a"}]`)
	s.seal()
	for body, code := range map[string]string{
		`{`:                           "bad_json",
		`[]`:                          "bad_json",
		`{"events":{}}`:               "bad_json",
		`{"events":[{"event":"x"}]}`:  "no_event_id",
		`{"events":[7]}`:              "no_event_id",
		`{"events":[{"event_id":7}]}`: "no_event_id",
	} {
		if out := s.ask(http.MethodPost, "quarantine/replay", body); out.Code != http.StatusBadRequest || !strings.Contains(out.Body.String(), code) {
			t.Errorf("%s: %d %s", body, out.Code, out.Body)
		}
	}
	var page quarantine.Page
	if s.read("quarantine", &page); page.Total != 1 {
		t.Errorf("%d are in quarantine", page.Total)
	}
	if out := s.ask(http.MethodPost, "quarantine/replay", strings.Repeat(" ", 1<<20+1)+"{}"); out.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body past the limit: %d %s", out.Code, out.Body)
	}
	if out := s.ask(http.MethodPost, "quarantine/replay", " "); out.Code != http.StatusOK || !strings.Contains(out.Body.String(), `"replayed":1`) {
		t.Errorf("without a body: %d %s", out.Code, out.Body)
	}
}
