package oidc

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/outbound"
)

func TestMain(m *testing.M) {
	mockoidc.NowFunc = func() time.Time { return longAgo } // when every site begins
	os.Exit(m.Run())
}

var loopback = outbound.Networks{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// foreign is a second issuer, a library's. What it answers can be spoiled.
type foreign struct {
	*mockoidc.MockOIDC
	claims func(map[string]any)                              // changes those of ID tokens
	sign   func(claims map[string]any) string                // makes ID tokens in its place
	tell   func(*http.Request, map[string]any)               // changes what it says of itself
	info   func(map[string]any)                              // changes what it tells of a person
	token  func(w http.ResponseWriter, r *http.Request) bool // answers in the place of its token endpoint
}

func newForeign(t *testing.T) *foreign {
	t.Helper()
	f := &foreign{MockOIDC: must(mockoidc.NewServer(nil))}
	if err := f.AddMiddleware(f.spoil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil) // for its listener
	if err := f.Start(server.Listener, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Shutdown() })
	return f
}

func (f *foreign) provider(name string) federation.Provider {
	return federation.Provider{Name: name, Label: "Acme", Kind: federation.OIDC, Issuer: f.Issuer(), ClientID: f.ClientID,
		Secret: name + "-secret", Scopes: []string{"openid", "email", "groups"}}
}

// spoil changes answers on their way out.
func (f *foreign) spoil(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var change func(map[string]any)
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			if f.token != nil && f.token(w, r) {
				return
			}
			change = f.changeTokens
		case strings.HasSuffix(r.URL.Path, "/userinfo"):
			change = func(told map[string]any) {
				told["sub"] = "42" // which the library forgets
				if f.info != nil {
					f.info(told)
				}
			}
		case strings.HasSuffix(r.URL.Path, "/openid-configuration") && f.tell != nil:
			change = func(said map[string]any) { f.tell(r, said) }
		}
		if change == nil {
			next.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		answer := map[string]any{}
		if recorded.Code == http.StatusOK && json.Unmarshal(recorded.Body.Bytes(), &answer) == nil {
			change(answer)
			recorded.Body = bytes.NewBuffer(must(json.Marshal(answer)))
		}
		recorded.Header().Del("Content-Length")
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	})
}

func (f *foreign) changeTokens(answer map[string]any) {
	raw, _ := answer["id_token"].(string)
	payload := must(base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1]))
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		panic(err)
	}
	if f.claims != nil {
		f.claims(claims)
	}
	sign := f.sign
	if sign == nil {
		sign = f.signed(jose.RS256, f.Keypair.PrivateKey)
	}
	answer["id_token"] = sign(claims)
}

// signed signs with a key, under the name of the issuer's own.
func (f *foreign) signed(algorithm jose.SignatureAlgorithm, key any) func(map[string]any) string {
	return func(claims map[string]any) string {
		id := must(f.Keypair.KeyID())
		signer := must(jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id)))
		return must(jwt.Signed(signer).Claims(claims).Serialize())
	}
}

// siteWith is a site whose people may sign in at these issuers, too.
func siteWith(t *testing.T, providers ...func() (federation.Provider, *foreign)) *site {
	t.Helper()
	return newSite(t, func(c *Config) {
		secrets := map[string]string{}
		for _, open := range providers {
			p, f := open()
			secrets[p.Secret] = f.ClientSecret
			c.Others = append(c.Others, p)
		}
		c.Outbound = outbound.Client(outbound.Options{Allow: loopback})
		c.Secret = func(_ context.Context, name string) (string, error) {
			if secret, ok := secrets[name]; ok {
				return secret, nil
			}
			return "", fault.New(fault.NotFound, "no_secret", "there is no secret %q", name)
		}
	})
}

func withForeign(t *testing.T, change ...func(*federation.Provider)) (*site, *foreign) {
	t.Helper()
	f := newForeign(t)
	return siteWith(t, func() (federation.Provider, *foreign) {
		p := f.provider("acme")
		for _, c := range change {
			c(&p)
		}
		return p, f
	}), f
}

var doorLink = regexp.MustCompile(`<a href="([^"]*/oidc/with/[^"]*|/oidc/with/[^"]*)">Sign in with`)

// knock opens the sign-in page and follows its first button to the other provider.
func (b *browser) knock(t *testing.T, c client) answer {
	t.Helper()
	shown := b.get(t, c.page())
	link := doorLink.FindStringSubmatch(shown.body)
	if link == nil {
		t.Fatalf("no button: %s %s", shown.Status, shown.body)
	}
	return b.get(t, must(shown.Request.URL.Parse(html.UnescapeString(link[1]))).String())
}

// follow opens where an answer leads.
func (b *browser) follow(t *testing.T, from answer) answer {
	t.Helper()
	to, err := from.Location()
	if err != nil {
		t.Fatalf("not sent on: %s %s", from.Status, from.body)
	}
	return b.get(t, to.String())
}

// returning is where the other provider sends a browser back to.
func (b *browser) returning(t *testing.T, c client) string {
	t.Helper()
	back := b.follow(t, b.knock(t, c))
	to := back.Header.Get("Location")
	if !strings.HasPrefix(to, c.url+"/oidc/with/") {
		t.Fatalf("the other provider sends to %q: %s %s", to, back.Status, back.body)
	}
	return to
}

// visit is a whole sign-in with the other provider, up to the answer of ours.
func (b *browser) visit(t *testing.T, c client) answer {
	t.Helper()
	return b.get(t, b.returning(t, c))
}

// wantTold asks that nobody was signed in, and that the person was told why.
func wantTold(t *testing.T, got answer, status int, words string) {
	t.Helper()
	if got.StatusCode != status || got.Header.Get("Location") != "" || !strings.Contains(got.body, `role="alert"`) || !strings.Contains(html.UnescapeString(got.body), words) {
		t.Errorf("%s, Location %q, want %d and %q told: %s", got.Status, got.Header.Get("Location"), status, words, alert(got))
	}
	for _, c := range got.Cookies() {
		if c.Name == cookieName {
			t.Error("a session has begun")
		}
	}
}

func alert(a answer) string {
	_, message, _ := strings.Cut(a.body, `role="alert">`)
	message, _, _ = strings.Cut(message, "<")
	return message
}
