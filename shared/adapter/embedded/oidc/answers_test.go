package oidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/outbound"
)

func TestAnAnswerOfAnotherProviderIsRefused(t *testing.T) {
	mallory := must(rsa.GenerateKey(rand.Reader, 2048))
	set := func(name string, value any) func(*foreign) {
		return func(f *foreign) { f.claims = func(c map[string]any) { c[name] = value } }
	}
	for claim, spoil := range map[string]func(*foreign){
		"with a wrong nonce":                   set("nonce", "another"),
		"with an empty nonce":                  set("nonce", ""),
		"for another client":                   set("aud", "another"),
		"for two clients, authorized to none":  func(f *foreign) { set("aud", []string{f.ClientID, "another"})(f) },
		"authorized to another client":         set("azp", "another"),
		"of another issuer":                    set("iss", "https://evil.example"),
		"that has expired":                     set("exp", longAgo.Add(-time.Second).Unix()),
		"without an expiry":                    func(f *foreign) { f.claims = func(c map[string]any) { delete(c, "exp") } },
		"of the future":                        set("iat", longAgo.Add(time.Hour).Unix()),
		"that names nobody":                    set("sub", ""),
		"with an address that is no text":      set("email", []int{1}),
		"signed by another's key":              func(f *foreign) { f.sign = f.signed(jose.RS256, mallory) },
		"signed by nothing":                    func(f *foreign) { f.sign = unsigned },
		"signed with the public key as secret": func(f *foreign) { f.sign = f.signed(jose.HS256, f.Keypair.PublicKey.N.Bytes()) },
		"with a signature that is cut off":     func(f *foreign) { f.sign = func(map[string]any) string { return "e30.e30." } },
		"that is no token":                     func(f *foreign) { f.sign = func(map[string]any) string { return "token" } },
		"without a token":                      func(f *foreign) { f.sign = func(map[string]any) string { return "" } },
		"which refuses the code":               func(f *foreign) { f.token = answering(http.StatusBadRequest, `{"error":"invalid_grant"}`) },
		"with a token that is no text": func(f *foreign) {
			f.token = answering(http.StatusOK, `{"access_token":"x","token_type":"bearer","id_token":7}`)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			s, f := withForeign(t)
			s.invite(t, grace)
			spoil(f)
			f.knows(nil)
			got := newBrowser().visit(t, s.client())
			wantTold(t, got, http.StatusUnauthorized, "Try again from the start")
		})
	}
}

func unsigned(claims map[string]any) string {
	encode := func(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }
	return encode(map[string]string{"alg": "none"}) + "." + encode(claims) + "."
}

func answering(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func TestABrowserBringsTheAnswerToItsOwnQuestionAlone(t *testing.T) {
	for claim, bring := range map[string]func(*testing.T, *site, client, *browser, string) answer{
		"another browser brings it": func(t *testing.T, _ *site, _ client, _ *browser, to string) answer {
			return newBrowser().get(t, to)
		},
		"another browser brings it, which is on a visit too": func(t *testing.T, _ *site, c client, _ *browser, to string) answer {
			b := newBrowser()
			b.knock(t, c)
			return b.get(t, to)
		},
		"with a made-up state": func(t *testing.T, _ *site, _ client, b *browser, to string) answer {
			return b.get(t, withQuery(to, "state", "made-up"))
		},
		"with no state": func(t *testing.T, _ *site, _ client, b *browser, to string) answer {
			return b.get(t, withQuery(to, "state", ""))
		},
		"a second time": func(t *testing.T, _ *site, _ client, b *browser, to string) answer {
			if b.get(t, to).query().Get("code") == "" {
				t.Error("the first time failed")
			}
			return b.get(t, to)
		},
		"too late": func(t *testing.T, s *site, _ client, b *browser, to string) answer {
			s.clock.Time = s.clock.Add(visitLife)
			return b.get(t, to)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			s, f := withForeign(t)
			s.invite(t, grace)
			f.knows(nil)
			c, b := s.client(), newBrowser()
			wantTold(t, bring(t, s, c, b, b.returning(t, c)), http.StatusUnauthorized, "begun in another browser")
		})
	}
}

func withQuery(address, name, value string) string {
	u := must(url.Parse(address))
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestACodeOfTheOtherProviderIsGoodOnce(t *testing.T) {
	s, f := withForeign(t)
	s.invite(t, grace)
	f.knows(nil)
	b := newBrowser()
	first := b.returning(t, s.client())
	if b.get(t, first).query().Get("code") == "" {
		t.Fatal("not signed in")
	}
	code := must(url.Parse(first)).Query().Get("code")
	f.knows(nil)
	again := newBrowser()
	replayed := withQuery(again.returning(t, s.client()), "code", code) // a fresh visit, with the old code
	wantTold(t, again.get(t, replayed), http.StatusUnauthorized, "Try again from the start")
}

func TestTwoProvidersAreNotMixedUp(t *testing.T) {
	honest, evil := newForeign(t), newForeign(t)
	honest.tell = func(_ *http.Request, said map[string]any) {
		said["authorization_response_iss_parameter_supported"] = true
	}
	s := siteWith(t,
		func() (federation.Provider, *foreign) { return honest.provider("honest"), honest },
		func() (federation.Provider, *foreign) { return evil.provider("evil"), evil })
	s.invite(t, grace)
	begin := func() (*browser, string) {
		honest.knows(nil)
		b := newBrowser()
		return b, b.returning(t, s.client())
	}
	b, to := begin()
	wantTold(t, b.get(t, strings.Replace(to, "/with/honest/", "/with/evil/", 1)), http.StatusUnauthorized, "another browser")
	b, to = begin()
	wantTold(t, b.get(t, withQuery(to, "iss", evil.Issuer())), http.StatusUnauthorized, "Try again")
	b, to = begin() // an issuer that says it names itself, and does not
	wantTold(t, b.get(t, to), http.StatusUnauthorized, "Try again")
	b, to = begin()
	if got := b.get(t, withQuery(to, "iss", honest.Issuer())); got.query().Get("code") == "" {
		t.Errorf("the honest answer is refused: %s %s", got.Status, alert(got))
	}
}

func TestThatAPersonGivesUpElsewhereIsTold(t *testing.T) {
	s, _ := withForeign(t)
	b := newBrowser()
	left := b.knock(t, s.client())
	to := s.url + "/oidc/with/acme/back?error=access_denied&state=" + left.query().Get("state")
	wantTold(t, b.get(t, to), http.StatusUnauthorized, "Try again")
}

func TestWhatTheOtherProviderIsAsked(t *testing.T) {
	s, f := withForeign(t)
	b := newBrowser()
	left := b.knock(t, s.client())
	q := left.query()
	if got := q.Get("redirect_uri"); got != s.url+"/oidc/with/acme/back" {
		t.Errorf("redirect_uri %q", got)
	}
	for name, least := range map[string]int{"state": 64, "nonce": 64, "code_challenge": 43} {
		if len(q.Get(name)) < least {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if q.Get("client_id") != f.ClientID || q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || q.Has("prompt") {
		t.Errorf("asked %v", q)
	}
	for _, c := range left.Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/oidc/with" {
			t.Errorf("cookie %+v", c)
		}
	}
	anew := newBrowser().get(t, strings.Replace(s.client().page("prompt", "login"), "/oidc/authorize?", "/oidc/with/acme?", 1))
	if got := anew.query().Get("prompt"); got != "login" {
		t.Errorf("prompt %q, want login", got)
	}
}

func TestNobodyIsSentElsewhereForAStrangeClient(t *testing.T) {
	s, _ := withForeign(t)
	for _, page := range []string{s.client().page("redirect_uri", "https://evil.example/"), s.client().page("client_id", "other")} {
		got := newBrowser().get(t, strings.Replace(page, "/oidc/authorize?", "/oidc/with/acme?", 1))
		wantTold(t, got, http.StatusBadRequest, "mistake")
	}
	got := newBrowser().get(t, strings.Replace(s.client().page(), "/oidc/authorize?", "/oidc/with/nobody?", 1))
	wantTold(t, got, http.StatusNotFound, "Nobody signs in here")
}

func TestAProviderThatIsAwayIsToldAndNoFault(t *testing.T) {
	for claim, spoil := range map[string]func(*Config, *foreign){
		"its address is private": func(c *Config, _ *foreign) { c.Outbound = outbound.Client(outbound.Options{}) },
		"its configuration leads elsewhere than to HTTPS": func(_ *Config, f *foreign) {
			f.tell = func(_ *http.Request, said map[string]any) { said["token_endpoint"] = "http://metadata.internal/" }
		},
		"it is another than it was said to be": func(_ *Config, f *foreign) {
			f.tell = func(_ *http.Request, said map[string]any) { said["issuer"] = "https://evil.example" }
		},
		"its token endpoint answers no JSON": func(_ *Config, f *foreign) { f.token = answering(http.StatusOK, "<html>") },
		"its token endpoint is broken":       func(_ *Config, f *foreign) { f.token = answering(http.StatusInternalServerError, "") },
		"its answer has no end": func(_ *Config, f *foreign) {
			f.token = answering(http.StatusOK, `{"id_token":"`+strings.Repeat("x", 2<<20))
		},
		"our secret for it is not known": func(c *Config, _ *foreign) {
			c.Secret = func(context.Context, string) (string, error) { return "", context.DeadlineExceeded }
		},
	} {
		t.Run(claim, func(t *testing.T) {
			f := newForeign(t)
			s := newSite(t, func(c *Config) {
				c.Others = []federation.Provider{f.provider("acme")}
				c.Outbound = outbound.Client(outbound.Options{Allow: loopback})
				c.Secret = func(context.Context, string) (string, error) { return f.ClientSecret, nil }
				spoil(c, f)
			})
			b := newBrowser()
			got := b.knock(t, s.client())
			if got.Header.Get("Location") != "" {
				got = b.follow(t, b.follow(t, got))
			}
			if got.StatusCode != http.StatusServiceUnavailable || alert(got) == "" || got.Header.Get("Location") != "" {
				t.Errorf("%s: %q", got.Status, alert(got))
			}
		})
	}
}

func TestVisitsAreBounded(t *testing.T) {
	s, _ := withForeign(t)
	s.clock.Time = s.clock.Truncate(window)
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	for range maxVisits {
		if err := s.attempts.begin(t.Context(), s.attempts.ofVisit(r)); err != nil {
			t.Fatal(err)
		}
	}
	wantTold(t, newBrowser().knock(t, s.client()), http.StatusTooManyRequests, "too many attempts")
}
