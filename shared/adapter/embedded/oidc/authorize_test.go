package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestWhereABrowserMayBeSent(t *testing.T) {
	const base = "https://tarn.example"
	for to, want := range map[string]bool{
		base + "/":                            true,
		"http://localhost:5173/":              true,
		"http://localhost:5173/back?x=1":      true,
		"http://localhost/":                   true,
		"http://127.0.0.1:49152/callback":     true,
		"http://[::1]:49152/callback":         true,
		"":                                    false,
		base:                                  false,
		base + "/elsewhere":                   false,
		base + "/?x=1":                        false,
		base + ".evil.example/":               false,
		"https://tarn.example@evil.example/":  false,
		"http://localhost:80@evil.example/":   false,
		"http://user@localhost/":              false,
		"http://localhost.evil.example/":      false,
		"http://localhost:80\\@evil.example/": false,
		"http://127.0.0.1.evil.example/":      false,
		"http://localhost/#fragment":          false,
		"https://localhost/":                  false,
		"http://10.0.0.1/":                    false,
		"javascript:alert(1)":                 false,
		"//localhost/":                        false,
	} {
		if got := mayReturnTo(base, to); got != want {
			t.Errorf("mayReturnTo(%q) = %v, want %v", to, got, want)
		}
	}
}

func TestAClientThatAsksWronglyIsTold(t *testing.T) {
	s := newSite(t)
	for claim, c := range map[string]struct {
		changes []string
		want    string // the error
	}{
		"without PKCE":                   {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"with the plain method of PKCE":  {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"with PKCE's default method":     {[]string{"code_challenge_method", ""}, "invalid_request"},
		"with a short challenge":         {[]string{"code_challenge", "short"}, "invalid_request"},
		"for tokens without a code":      {[]string{"response_type", "token"}, "unsupported_response_type"},
		"for a code and an ID token":     {[]string{"response_type", "code id_token"}, "unsupported_response_type"},
		"for a scope that there is not":  {[]string{"scope", "openid root"}, "invalid_scope"},
		"without a state":                {[]string{"state", ""}, "invalid_state"},
		"for an answer in the fragment":  {[]string{"response_mode", "fragment"}, "unsupported_response_mode"},
		"for somebody signed in already": {[]string{"prompt", "none"}, "login_required"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := newBrowser().get(t, s.client().page(c.changes...))
			to, err := got.Location()
			if err != nil {
				t.Fatalf("not sent back: %s %s", got.Status, got.body)
			}
			values := to.Query()
			if to.Fragment != "" {
				values, _ = url.ParseQuery(to.Fragment)
			}
			if !strings.HasPrefix(to.String(), s.url+"/?") && to.Fragment == "" || values.Get("error") != c.want {
				t.Errorf("sent to %s, want error %q", to, c.want)
			}
		})
	}
}

func TestNobodyIsSentWhereNoClientIs(t *testing.T) {
	s := newSite(t)
	for claim, changes := range map[string][]string{
		"to a strange site":          {"redirect_uri", "https://evil.example/"},
		"to no address":              {"redirect_uri", ""},
		"for an unknown client":      {"client_id", "other"},
		"for no client":              {"client_id", ""},
		"to a fragment":              {"redirect_uri", s.url + "/#x"},
		"to a path of this server":   {"redirect_uri", "https://example.com/oidc/token"},
		"with a request it wrote up": {"request", "eyJhbGciOiJub25lIn0.e30.", "redirect_uri", "https://evil.example/"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := newBrowser().get(t, s.client().page(changes...))
			if got.StatusCode != http.StatusBadRequest || got.Header.Get("Location") != "" || strings.Contains(got.body, "<form") {
				t.Errorf("%s, Location %q", got.Status, got.Header.Get("Location"))
			}
			if !strings.Contains(got.body, `role="alert"`) {
				t.Errorf("the person is told nothing: %s", got.body)
			}
		})
	}
}

func TestAnotherSiteCannotSendTheForm(t *testing.T) {
	s := newSite(t)
	form := url.Values{"email": {email}, "password": {password}}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		got := newBrowser().post(t, s.client().page(), form, headers...)
		if got.StatusCode != http.StatusForbidden || len(got.Cookies()) != 0 {
			t.Errorf("%v: %s with %d cookies, want 403 and none", headers, got.Status, len(got.Cookies()))
		}
	}
	got := newBrowser().post(t, s.client().page(), form, "Origin", s.url)
	if got.StatusCode != http.StatusSeeOther {
		t.Errorf("from the own page: %s, want a redirect", got.Status)
	}
}

func TestTheFormCannotChangeWhatTheClientAsked(t *testing.T) {
	s := newSite(t)
	form := url.Values{"email": {email}, "password": {password}, "state": {"a state of the form's"}, "redirect_uri": {"http://localhost:5173/"}}
	got := newBrowser().post(t, s.client().page(), form)
	if to := got.Header.Get("Location"); !strings.HasPrefix(to, s.url+"/?") || got.query().Get("state") != "a state of some length" {
		t.Errorf("sent to %q", to)
	}
}

func TestThePageLetsNothingElseIn(t *testing.T) {
	s := newSite(t)
	c := s.client()
	c.redirect = "http://localhost:5173/"
	got := newBrowser().get(t, c.page("state", `"><script>alert(1)</script>`))
	policy := got.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self' http://localhost:5173;"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(got.body, "<script") {
		t.Error("a parameter became a script")
	}
	if strings.Contains(got.body, "src=") || strings.Contains(got.body, "url(") || strings.Contains(got.body, "@import") {
		t.Error("the page loads something")
	}
	if !strings.Contains(got.body, "sent on to http://localhost:5173<") {
		t.Error("the page does not say where the person will go")
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWhichOfAddressAndPasswordIsWrongIsNotTold(t *testing.T) {
	s := newSite(t)
	shown := func(email, password string) string {
		got, err := newBrowser().fillIn(t.Context(), s.client().page(), email, password)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != http.StatusUnauthorized || len(got.Cookies()) != 0 {
			t.Errorf("%s: %s with %d cookies, want 401 and none", email, got.Status, len(got.Cookies()))
		}
		_, message, _ := strings.Cut(got.body, `role="alert">`)
		message, _, _ = strings.Cut(message, "<")
		return message
	}
	wrong, unknown := shown(email, "not the password"), shown("nobody@example.com", password)
	if wrong == "" || wrong != unknown {
		t.Errorf("a wrong password is %q, an unknown address %q", wrong, unknown)
	}
	if err := s.Disable(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	if got := shown(email, "not the password"); got != wrong {
		t.Errorf("a disabled account with a wrong password is %q, want %q", got, wrong)
	}
	if got := shown(email, password); !strings.Contains(got, "disabled") {
		t.Errorf("the owner of a disabled account is told %q", got)
	}
}

func TestTheAddressMayBeTypedInAnyCase(t *testing.T) {
	s := newSite(t)
	got, err := newBrowser().fillIn(t.Context(), s.client().page(), " ADA@Example.COM ", password)
	if err != nil || got.StatusCode != http.StatusSeeOther {
		t.Errorf("%v %v, want a redirect", got.Status, err)
	}
}

func TestGuessingIsThrottled(t *testing.T) {
	s := newSite(t)
	s.clock.Time = s.clock.Truncate(window)
	c := s.client()
	try := func(email, password string) answer {
		t.Helper()
		got, err := newBrowser().fillIn(t.Context(), c.page(), email, password)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for range maxByVisitor {
		if got := try(email, "a guess that is wrong"); got.StatusCode != http.StatusUnauthorized {
			t.Fatalf("a guess: %s, want 401", got.Status)
		}
	}
	s.clock.Time = s.clock.Add(window - time.Minute)
	got := try(email, password)
	if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "60" {
		t.Errorf("the right password after too many wrong ones: %s, Retry-After %q, want 429 and 60", got.Status, got.Header.Get("Retry-After"))
	}
	if got := try("grace@example.com", "whatever it is"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("somebody else: %s, want 401", got.Status)
	}
	s.clock.Time = s.clock.Add(time.Minute)
	if got := try(email, password); got.StatusCode != http.StatusSeeOther {
		t.Errorf("in the next window: %s, want a redirect", got.Status)
	}
}

func TestSigningInOftenIsNoGuessing(t *testing.T) {
	s := newSite(t)
	for range maxByVisitor + 2 {
		s.client().code(t)
	}
}

func TestAttemptsAtOnceAreCountedBeforeTheyAreTried(t *testing.T) {
	s := newSite(t)
	r, _ := http.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	refused := 0
	for range maxByVisitor + 5 { // as many requests that all have begun and not ended
		if s.attempts.begin(t.Context(), s.attempts.of(r, email)) != nil {
			refused++
		}
	}
	if refused != 5 {
		t.Errorf("%d refused, want 5", refused)
	}
}

func TestVisitorsAreToldApartByNetwork(t *testing.T) {
	for claim, c := range map[string]struct {
		a, b string
		same bool
	}{
		"two ports of one address":          {"192.0.2.1:1", "192.0.2.1:2", true},
		"two IPv4 addresses":                {"192.0.2.1:1", "192.0.2.2:1", false},
		"two addresses of one IPv6 network": {"[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:1", true},
		"two IPv6 networks":                 {"[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false},
	} {
		if same := network(c.a) == network(c.b); same != c.same {
			t.Errorf("%s: same %v, want %v", claim, same, c.same)
		}
	}
}
