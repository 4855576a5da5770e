package console_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/console"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	console.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestEveryPathIsServedWithItsTypeAndAStrictPolicy(t *testing.T) {
	for _, path := range console.Paths() {
		got := get(t, path)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") == "" {
			t.Errorf("%s: status %d, type %q", path, got.StatusCode, got.Header.Get("Content-Type"))
		}
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestPeopleFindThePageAndTheReferenceWhereTheyLook(t *testing.T) {
	for _, path := range []string{"/", "/docs"} {
		if got := get(t, path); got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s is %q", path, got.Header.Get("Content-Type"))
		}
	}
	if got := get(t, "/console.go"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the source is served: status %d", got.StatusCode)
	}
}

func TestWhoHasAFileIsNotSentItAgain(t *testing.T) {
	tag := get(t, "/app.js").Header.Get("ETag")
	if got := get(t, "/app.js", "If-None-Match", tag); tag == "" || got.StatusCode != http.StatusNotModified {
		t.Errorf("with tag %q: status %d", tag, got.StatusCode)
	}
}

// The policy would block these, in AWS too, where CloudFront sends it.
func TestPagesHoldNoInlineScriptOrStyleAndNothingForeign(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|<script(?:\s[^>]*)?>[^<]|(?:src|href)="(?:https?:)?//`)
	for _, path := range []string{"/", "/docs"} {
		var body strings.Builder
		if err := get(t, path).Write(&body); err != nil {
			t.Fatal(err)
		}
		if found := forbidden.FindString(body.String()); found != "" {
			t.Errorf("%s holds %q", path, found)
		}
	}
}
