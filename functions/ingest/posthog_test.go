package ingest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

func TestPostHogsClientsAreServedWhereverTheySend(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	var want []string
	for i, rt := range route.PostHogCapture {
		id := string(rune('a' + i))
		want = append(want, "web: "+id)
		if out := s.post(rt.Path, "", `{"api_key":"`+key+`","batch":[{"event":"x","uuid":"`+id+`"}]}`); out.Code != http.StatusOK || out.Body.String() != `{"status":1}` {
			t.Errorf("%s: %d %s", rt.Path, out.Code, out.Body)
		}
		if out := s.post(rt.Path+"x/", "", `{}`); out.Code != http.StatusNotFound {
			t.Errorf("below %s: %d", rt.Path, out.Code)
		}
	}
	if diff := cmp.Diff(want, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
}

func TestPostHogsTokenIsFoundWhereverItIs(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	for _, c := range []struct{ target, authorization, body string }{
		{"/capture/", "", `{"api_key":"` + key + `","event":"x"}`},
		{"/e/?ip=0&_=1767323045000", "", `[{"event":"x","properties":{"token":"` + key + `"}}]`},
		{"/i/v0/e/?token=" + key, "", `{"event":"x"}`},
		{"/i/v1/analytics/events", "Bearer " + key, `{"batch":[{"event":"x"}]}`},
	} {
		if out := s.post(c.target, c.authorization, c.body); out.Code != http.StatusOK {
			t.Errorf("%s: %d %s", c.target, out.Code, out.Body)
		}
	}
	if out := s.post("/batch/", "", `{"api_key":"nobody","batch":[]}`); out.Code != http.StatusUnauthorized {
		t.Errorf("an unknown token: %d", out.Code)
	}
}

func TestCaptureV1TellsEachEventsResult(t *testing.T) {
	s := newService(t)
	out := s.post("/i/v1/analytics/events", "Bearer "+s.key(t, access.Producer, "web"),
		`{"created_at":"2026-01-02T12:00:00Z","batch":[{"event":"x","uuid":"u1","options":{}},{"event":"","uuid":"u2"}]}`)
	want := `{"results":{"u1":{"result":"ok"},"u2":{"result":"drop","details":"quarantined: an event needs \"event\""}}}`
	if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != want {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	if diff := cmp.Diff([]string{"web: u1", "web: u2"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
}

func TestAFlagsRequestIsAnsweredAndMakesNoDataset(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "")
	for _, path := range []string{"/flags", "/flags/?v=2"} {
		if out := s.post(path, "", `{"token":"`+key+`","distinct_id":"u"}`); out.Code != http.StatusOK || !strings.HasPrefix(out.Body.String(), `{"flags":{},`) {
			t.Errorf("%s: %d %s", path, out.Code, out.Body)
		}
		if out := s.post(path, "", `{"distinct_id":"u"}`); out.Code != http.StatusUnauthorized {
			t.Errorf("%s of nobody: %d", path, out.Code)
		}
	}
	if _, err := s.catalog.Get(t.Context(), "acme", defaultDataset); err == nil {
		t.Error("a dataset was made")
	}
}

func TestTheSendersClockStandsInAHeaderOrInTheAddress(t *testing.T) {
	for name, c := range map[string]struct {
		target, header string
		want           int64
	}{
		"neither":               {"/batch/", "", 0},
		"the header of v1":      {"/i/v1/analytics/events", "2026-01-02T12:00:00.5Z", noon.UnixMicro() + 500_000},
		"a browser's address":   {"/e/?ip=0&_=1767355200000", "", noon.UnixMicro()},
		"an address that lies":  {"/e/?_=-1", "", 0},
		"a header that is none": {"/i/v1/analytics/events", "now", 0},
	} {
		r := httptest.NewRequest(http.MethodPost, c.target, nil)
		r.Header.Set("PostHog-Request-Timestamp", c.header)
		if got := postHogClock(r); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
