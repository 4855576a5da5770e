package ingest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/access"
)

func TestTrackersOfPagesAreServedByTheKeyInTheirBodyOrTheAddress(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	for _, c := range []struct {
		target, body, want string
		status             int
	}{
		{"/api/send", `{"type":"event","payload":{"website":"` + key + `","name":"x"}}`, `{}`, http.StatusOK},
		{"/api/send?write_key=" + key, `{"type":"event","payload":{"website":"site"}}`, `{}`, http.StatusOK},
		{"/api/event", `{"n":"pageview","u":"https://a.example/","d":"` + key + `"}`, "ok", http.StatusAccepted},
		{"/api/event?write_key=" + key, `{"name":"pageview","url":"https://a.example/","domain":"a.example"}`, "ok", http.StatusAccepted},
	} {
		if out := s.post(c.target, "", c.body); out.Code != c.status || strings.TrimSpace(out.Body.String()) != c.want {
			t.Errorf("%s: %d %s", c.target, out.Code, out.Body)
		}
	}
	if got := s.arrived(t); len(got) != 4 {
		t.Errorf("arrived: %v", got)
	}
	for _, target := range []string{"/api/send", "/api/event", "/api/batch"} {
		if out := s.post(target, "", `{"payload":{"website":"nobody"},"domain":"nobody.example"}`); out.Code != http.StatusUnauthorized {
			t.Errorf("%s of nobody: %d", target, out.Code)
		}
	}
}

func TestUmamisBatchTellsWhichEventsWereRefused(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	body := `[{"type":"event","payload":{"website":"` + key + `","name":"a"}},{"type":"event"},{"payload":{"website":"` + key + `"}}]`
	for _, target := range []string{"/api/batch", "/api/batch?write_key=" + key} {
		out := s.post(target, "", body)
		var got taken
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", target, out.Code, out.Body)
		}
		if got.Size != 3 || got.Processed != 2 || got.Errors != 1 || len(got.Details) != 1 || got.Details[0].Index != 1 || got.Details[0].Response.Error.Code != "no_payload" {
			t.Errorf("%s: %s", target, out.Body)
		}
	}
	if got := s.arrived(t); len(got) != 6 {
		t.Errorf("arrived: %v", got)
	}
	if out := s.post("/api/batch?write_key="+key, "", `{"payload":{}}`); out.Code != http.StatusBadRequest {
		t.Errorf("what is no array: %d", out.Code)
	}
}
