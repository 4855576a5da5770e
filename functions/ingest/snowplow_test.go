package ingest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

func TestSnowplowsTrackersAreServedByAKeyInTheHeaderOrTheAddress(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	const path, body = "/com.snowplowanalytics.snowplow/tp2", `{"schema":"iglu:x","data":[{"e":"pv","eid":"1"},{"eid":"2"}]}`
	for _, c := range []struct{ target, authorization string }{{path, "Bearer " + key}, {path + "?write_key=" + key, ""}} {
		out := s.post(c.target, c.authorization, body)
		if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != "ok" || !strings.HasPrefix(out.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s %v", c.target, out.Code, out.Body, out.Header())
		}
	}
	if diff := cmp.Diff([]string{"web: 1", "web: 2", "web: 1", "web: 2"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	if out := s.post(path, "", `{"data":[{"e":"pv","aid":"`+key+`"}]}`); out.Code != http.StatusUnauthorized {
		t.Errorf("an application's id as a key: %d", out.Code)
	}
	if out := s.post(path+"?write_key="+key, "", `{}`); out.Code != http.StatusBadRequest {
		t.Errorf("a body without data: %d", out.Code)
	}
}
