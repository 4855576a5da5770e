package ingest

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

func TestTinybirdsRowsAreCountedAndAnsweredAsThere(t *testing.T) {
	s := newService(t)
	key, bound := s.key(t, access.Producer, ""), s.key(t, access.Producer, "web")
	for _, c := range []struct {
		target, authorization, body string
		status                      int
		want                        string
	}{
		{"/v0/events?name=web&wait=true", "Bearer " + key, "{\"event_id\":\"1\"}\n{\"event_id\":\"2\",\"time\":\"?\"}\n", 200, `{"successful_rows":1,"quarantined_rows":1}`},
		{"/v0/events?name=web", "Bearer " + key, `{"event_id":"3"}`, 202, `{"successful_rows":1,"quarantined_rows":0}`},
		{"/v0/events?name=web&wait=false&format=json&token=" + key, "", `[{"event_id":"4"}]`, 202, `{"successful_rows":1,"quarantined_rows":0}`},
		{"/v0/events", "Bearer " + bound, `{"event_id":"5"}`, 202, `{"successful_rows":1,"quarantined_rows":0}`},
	} {
		out := s.post(c.target, c.authorization, c.body)
		if out.Code != c.status || out.Body.String() != c.want || out.Header().Get("Tarn-Version") == "" {
			t.Errorf("%s: %d %s", c.target, out.Code, out.Body)
		}
	}
	if diff := cmp.Diff([]string{"web: 1", "web: 2", "web: 3", "web: 4", "web: 5"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
}

func TestTinybirdsDataSourceIsMadeByWhoMayMakeDatasets(t *testing.T) {
	s := newService(t)
	for _, c := range []struct {
		name   string
		key    string
		status int
	}{
		{"a producer", s.key(t, access.Producer, ""), http.StatusNotFound},
		{"an editor of another dataset", s.key(t, access.Editor, "web"), http.StatusForbidden},
		{"an editor", s.key(t, access.Editor, ""), http.StatusAccepted},
		{"a producer, once it is there", s.key(t, access.Producer, ""), http.StatusAccepted},
	} {
		out := s.post("/v0/events?name=hits", "Bearer "+c.key, `{"event_id":"1"}`)
		if out.Code != c.status {
			t.Errorf("%s: %d %s", c.name, out.Code, out.Body)
		}
		var said struct{ Error string }
		if err := json.Unmarshal(out.Body.Bytes(), &said); err != nil || (c.status >= 400) != (said.Error != "") {
			t.Errorf("%s: no error for Tinybird's client in %s", c.name, out.Body)
		}
	}
	if out := s.post("/v0/events?name=Hits", "Bearer "+s.key(t, access.Editor, ""), `{}`); out.Code != http.StatusBadRequest {
		t.Errorf("a name that is none: %d", out.Code)
	}
}
