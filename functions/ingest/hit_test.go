package ingest

import (
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
	for _, target := range []string{"/api/send", "/api/event"} {
		if out := s.post(target, "", `{"payload":{"website":"nobody"},"domain":"nobody.example"}`); out.Code != http.StatusUnauthorized {
			t.Errorf("%s of nobody: %d", target, out.Code)
		}
	}
}
