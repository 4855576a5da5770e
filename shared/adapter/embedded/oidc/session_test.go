package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// inSession returns a browser that has signed in.
func (s *site) inSession(t *testing.T) *browser {
	t.Helper()
	b := newBrowser()
	got, err := b.fillIn(t.Context(), s.client().page(), email, password)
	if err != nil || got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%v %v", got.Status, err)
	}
	return b
}

func TestABrowserInASessionIsNotAskedAgain(t *testing.T) {
	for claim, c := range map[string]struct {
		changes []string // of what the client asks
		before  func(*testing.T, *site)
		asked   bool
	}{
		"at once":                             {nil, nil, false},
		"when the client wants no page":       {[]string{"prompt", "none"}, nil, false},
		"unless the client insists":           {[]string{"prompt", "login"}, nil, true},
		"until the session ends":              {nil, func(_ *testing.T, s *site) { s.clock.Time = s.clock.Add(sessionLife - 1) }, false},
		"but after it has":                    {nil, func(_ *testing.T, s *site) { s.clock.Time = s.clock.Add(sessionLife) }, true},
		"if it is young enough":               {[]string{"max_age", "60"}, func(_ *testing.T, s *site) { s.clock.Time = s.clock.Add(time.Minute) }, false},
		"but if it is too old for the client": {[]string{"max_age", "60"}, func(_ *testing.T, s *site) { s.clock.Time = s.clock.Add(time.Minute + 1) }, true},
		"but when the user was disabled": {nil, func(t *testing.T, s *site) {
			if err := s.Disable(t.Context(), s.user.ID); err != nil {
				t.Fatal(err)
			}
		}, true},
		"but when the user was deleted": {nil, func(t *testing.T, s *site) {
			if err := s.Delete(t.Context(), s.user.ID); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(claim, func(t *testing.T) {
			s := newSite(t)
			b := s.inSession(t)
			if c.before != nil {
				c.before(t, s)
			}
			got := b.get(t, s.client().page(c.changes...))
			if asked := strings.Contains(got.body, "<form"); asked != c.asked {
				t.Errorf("asked %v, want %v: %s", asked, c.asked, got.Status)
			}
			if code := got.query().Get("code"); (code == "") != c.asked {
				t.Errorf("got the code %q", code)
			}
		})
	}
}

func TestACookieOfNoSessionIsIgnored(t *testing.T) {
	s := newSite(t)
	got := newBrowser().get(t, s.client().page(), "Cookie", cookieName+"=made-up")
	if !strings.Contains(got.body, "<form") {
		t.Errorf("not asked: %s", got.Status)
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		query url.Values
		want  string // the address sent on to
	}{
		"as OpenID Connect has it": {url.Values{"post_logout_redirect_uri": {s.url + "/"}}, s.url + "/"},
		"as Cognito has it":        {url.Values{"client_id": {ClientID}, "logout_uri": {"http://localhost:5173/"}}, "http://localhost:5173/"},
		"to nowhere":               {nil, ""},
		"to a strange site":        {url.Values{"logout_uri": {"https://evil.example/"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.inSession(t)
			cookies := b.Jar.Cookies(must(url.Parse(s.url + "/oidc/authorize")))
			got := b.get(t, s.url+"/oidc/logout?"+c.query.Encode())
			if to := got.Header.Get("Location"); to != c.want {
				t.Errorf("sent to %q, want %q", to, c.want)
			}
			if got := b.get(t, s.client().page()); !strings.Contains(got.body, "<form") {
				t.Errorf("not asked: %s", got.Status)
			}
			kept := newBrowser()
			kept.Jar.SetCookies(must(url.Parse(s.url+"/oidc/authorize")), cookies)
			if got := kept.get(t, s.client().page()); !strings.Contains(got.body, "<form") {
				t.Errorf("the old cookie still works: %s", got.Status)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTheCookieIsOutOfReach(t *testing.T) {
	for base, secure := range map[string]bool{"http://localhost:8080": false, "https://tarn.example": true} {
		c := cookie(base, "secret", 1)
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/oidc" || c.Secure != secure {
			t.Errorf("%s: %+v", base, c)
		}
	}
}
