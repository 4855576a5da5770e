package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/route"
)

func webServer(t *testing.T, origins, at string) *api.Server {
	t.Helper()
	web, err := api.NewWeb(origins, at)
	if err != nil {
		t.Fatal(err)
	}
	s := api.New(func(*http.Request) (access.Principal, error) {
		return access.Principal{Tenant: "t", ID: "key:1", Role: access.Owner}, nil
	}, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.Web(web)
	api.Raw(s, route.RunQuery, nil, nil, func(w http.ResponseWriter, _ *http.Request, _ access.Principal) error {
		w.WriteHeader(http.StatusOK)
		return nil
	})
	return s
}

func TestOtherSitesPagesMayCallWhereTheSettingNamesThem(t *testing.T) {
	for name, c := range map[string]struct {
		setting, origin string
		allowed         bool
	}{
		"none is set":              {"", "https://shop.example.com", false},
		"the one that is set":      {"https://shop.example.com", "https://shop.example.com", true},
		"one of several":           {"https://a.example, http://localhost:3000", "http://localhost:3000", true},
		"another scheme":           {"https://shop.example.com", "http://shop.example.com", false},
		"another port":             {"https://shop.example.com", "https://shop.example.com:8443", false},
		"a name that begins so":    {"https://shop.example.com", "https://shop.example.com.evil.test", false},
		"a name that ends so":      {"https://example.com", "https://evil-example.com", false},
		"a page without an origin": {"https://shop.example.com", "null", false},
		"no page":                  {"https://shop.example.com", "", false},
		"everybody, as a wildcard": {"https://shop.example.com", "*", false},
	} {
		s := webServer(t, c.setting, "http://localhost:8080")
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			r := httptest.NewRequest(method, "/v1/query", nil)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			}
			out := httptest.NewRecorder()
			s.ServeHTTP(out, r)
			want := ""
			if c.allowed {
				want = c.origin
			}
			h := out.Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s, %s: may be read by %q, want %q", name, method, got, want)
			}
			if preflight := method == http.MethodOptions && c.allowed; preflight != (out.Code == http.StatusNoContent) || preflight != (h.Get("Access-Control-Allow-Methods") != "") {
				t.Errorf("%s, %s: %d %v", name, method, out.Code, h)
			}
			if h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s, %s: with credentials", name, method)
			}
			if varies := h.Get("Vary") == "Origin"; varies != (c.setting != "") {
				t.Errorf("%s, %s: Vary %q", name, method, h.Get("Vary"))
			}
		}
	}
}

func TestASettingThatIsNoListOfOriginsIsRefused(t *testing.T) {
	for _, text := range []string{"*", "https://*.example.com", "null", "example.com", "https://example.com/", "https://example.com/path", "https://u@example.com", "ftp://example.com", "https://", "https://Example.com"} {
		if _, err := api.NewWeb(text, "http://localhost"); err == nil {
			t.Errorf("%q is taken for origins", text)
		}
	}
}

func TestEveryAnswerTellsBrowsersToDoNothingWithIt(t *testing.T) {
	for at, wantTLS := range map[string]string{
		"http://localhost:8080": "", "https://localhost:8080": "", "https://127.0.0.1:8080": "", "http://tarn.example.com": "",
		"https://tarn.example.com": "max-age=31536000; includeSubDomains",
	} {
		s := webServer(t, "", at)
		for _, r := range []*http.Request{httptest.NewRequest(http.MethodPost, "/v1/query", nil), httptest.NewRequest(http.MethodGet, "/nothing", nil), httptest.NewRequest(http.MethodGet, "/v1/../x", nil)} {
			out := httptest.NewRecorder()
			s.ServeHTTP(out, r)
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Strict-Transport-Security": wantTLS,
			} {
				if got := out.Header().Get(name); got != want {
					t.Errorf("%s, %s: %s is %q, want %q", at, r.URL, name, got, want)
				}
			}
		}
	}
}
