package signin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// issuer is an OpenID provider that lets everybody in, and lies as it is told.
type issuer struct {
	*httptest.Server
	key              *rsa.PrivateKey
	nonce, challenge string
	refused          string // an OAuth error
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", i.token)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if i.refused == "" && r.FormValue("grant_type") == "authorization_code" && base64.RawURLEncoding.EncodeToString(sum[:]) != i.challenge {
		i.refused = "invalid_grant"
	}
	if i.refused != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": i.refused})
		return
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	id, err := jwt.Signed(signer).Claims(map[string]any{"iss": i.URL, "sub": "u", "aud": "c", "nonce": i.nonce, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}).Serialize()
	if err != nil {
		panic(err)
	}
	write(w, map[string]any{"access_token": "a", "refresh_token": "r", "id_token": id, "token_type": "Bearer", "expires_in": 3600})
}

func (i *issuer) provider() Provider {
	return Provider{Issuer: i.URL, ClientID: "c", Authorization: i.URL + "/authorize", Token: i.URL + "/token"}
}

// browser lets the person in at once, and comes back with what change makes of it.
func (i *issuer) browser(t *testing.T, change func(url.Values)) Browser {
	return func(address string) error {
		asked, err := url.Parse(address)
		if err != nil {
			return err
		}
		q := asked.Query()
		i.nonce, i.challenge = q.Get("nonce"), q.Get("code_challenge")
		if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
			t.Errorf("asked for %v", q)
		}
		back := url.Values{"code": {"x"}, "state": {q.Get("state")}}
		change(back)
		go func() {
			res, err := http.Get(q.Get("redirect_uri") + "?" + back.Encode())
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
		}()
		return nil
	}
}

func TestSomebodySignsIn(t *testing.T) {
	i := newIssuer(t)
	got, err := Run(t.Context(), http.DefaultClient, i.provider(), i.browser(t, func(url.Values) {}))
	if err != nil || got.Access != "a" || got.Refresh != "r" || time.Until(got.Expires) < 50*time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnAnswerThatIsNotToThisSignInIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*issuer, url.Values)
		want   string
	}{
		"the page refused":  {func(_ *issuer, back url.Values) { back.Set("error", "access_denied") }, "access_denied"},
		"another issuer's":  {func(_ *issuer, back url.Values) { back.Set("iss", "https://evil.example") }, "another issuer"},
		"another nonce":     {func(i *issuer, _ url.Values) { i.nonce = "other" }, "another sign-in"},
		"another challenge": {func(i *issuer, _ url.Values) { i.challenge = "other" }, ErrEnded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			got, err := Run(t.Context(), http.DefaultClient, i.provider(), i.browser(t, func(back url.Values) { c.change(i, back) }))
			if err == nil || !strings.Contains(err.Error(), c.want) || got.Access != "" {
				t.Errorf("%+v, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestWhatHasAnotherStateIsNoAnswer(t *testing.T) {
	back := make(chan url.Values, 1)
	h := answers("right", back)
	for _, path := range []string{"/?state=wrong&code=x", "/?code=x", "/favicon.ico", "/other?state=right"} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusNotFound || len(back) > 0 {
			t.Errorf("%s: %d, %d answers", path, w.Code, len(back))
		}
	}
	for range 2 { // a browser may come twice
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/?state=right&code=x", nil))
	}
	if got := <-back; got.Get("code") != "x" {
		t.Errorf("%v", got)
	}
}

func TestWhoIsInterruptedIsNotWaitedFor(t *testing.T) {
	i := newIssuer(t)
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := Run(ctx, http.DefaultClient, i.provider(), func(string) error { interrupt(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestASessionThatIsOverIsToldFromAnIssuerThatIsAway(t *testing.T) {
	i := newIssuer(t)
	for refused, ended := range map[string]bool{"invalid_grant": true, "temporarily_unavailable": false} {
		i.refused = refused
		if _, err := Refresh(t.Context(), http.DefaultClient, i.provider(), "r"); err == nil || errors.Is(err, ErrEnded) != ended {
			t.Errorf("%s: %v", refused, err)
		}
	}
}

func TestCognitoIsGivenTheAddressesThatItKnows(t *testing.T) {
	l, home, err := listen(t.Context(), "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x")
	if err != nil {
		t.Skipf("NOT TESTED: %v; to enable it: free the ports 47113 to 47115", err)
	}
	defer l.Close()
	if host, _, _ := strings.Cut(l.Addr().String(), ":"); host != "127.0.0.1" || !strings.HasPrefix(home, "http://localhost:4711") {
		t.Errorf("waits at %s, told as %s", l.Addr(), home)
	}
}
