package ingest

import (
	"image"
	"image/gif"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
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

func TestSnowplowsPixelTakesTheEventOfItsAddress(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	get := func(target, authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		out := httptest.NewRecorder()
		s.ServeHTTP(out, r)
		return out
	}
	for target, authorization := range map[string]string{"/i?e=pv&eid=1&aid=shop": "Bearer " + key, "/i?e=pv&eid=1&aid=shop&write_key=" + key: ""} {
		out := get(target, authorization)
		dot, err := gif.Decode(out.Body)
		if err != nil || dot.Bounds().Size() != image.Pt(1, 1) {
			t.Errorf("%s: no pixel: %v", target, err)
		}
		if h := out.Header(); out.Code != http.StatusOK || h.Get("Content-Type") != "image/gif" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", target, out.Code, h)
		}
	}
	for target, status := range map[string]int{"/i?e=pv": http.StatusUnauthorized, "/i?write_key=" + key: http.StatusBadRequest} {
		if out := get(target, ""); out.Code != status {
			t.Errorf("%s: %d, want %d", target, out.Code, status)
		}
	}
	if diff := cmp.Diff([]string{"web: 1", "web: 1"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	s.each(t, func(_ dataset.Name, e events.Event) {
		if diff := cmp.Diff([]string{"app_id"}, e.Shape.Names); diff != "" {
			t.Errorf("properties: %s", diff)
		}
	})
}
