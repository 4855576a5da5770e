package ingest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

func TestCloudEventsOfEachModeGoWhereTheirKeySays(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	send := func(header map[string]string, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		for name, value := range header {
			r.Header.Set(name, value)
		}
		out := httptest.NewRecorder()
		s.ServeHTTP(out, r)
		return out
	}
	for _, c := range []struct {
		header             map[string]string
		target, body, want string
	}{
		{map[string]string{"Authorization": "Bearer " + key, "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "Content-Type": "text/plain"},
			"/v1/cloudevents", "hi", `{"accepted":1,"events":[{"event_id":"/s 1","fate":"accepted"}]}`},
		{map[string]string{"Content-Type": "application/cloudevents+json"}, "/v1/cloudevents?write_key=" + key,
			`{"specversion":"1.0","id":"2","source":"/s","type":"t"}`, `{"accepted":1,"events":[{"event_id":"/s 2","fate":"accepted"}]}`},
		{map[string]string{"Content-Type": "application/cloudevents-batch+json"}, "/v1/cloudevents?write_key=" + key,
			`[{"specversion":"1.0","id":"3","source":"/s","type":"t"},{"specversion":"1.0","id":"4","source":"/s","type":""}]`,
			`{"accepted":2,"events":[{"event_id":"/s 3","fate":"accepted"},{"event_id":"/s 4","fate":"quarantined","code":"no_event_name","reason":"an event needs \"type\""}]}`},
	} {
		out := send(c.header, c.target, c.body)
		if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != c.want {
			t.Errorf("%d %s", out.Code, out.Body)
		}
	}
	if diff := cmp.Diff([]string{"web: /s 1", "web: /s 2", "web: /s 3", "web: /s 4"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	if out := send(nil, "/v1/cloudevents?write_key=nobody", `{}`); out.Code != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", out.Code)
	}
}
