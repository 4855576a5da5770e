package identitytest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tarnhq/tarn/shared/identity"
)

var provider = map[string]func(*testing.T, Setup){
	"the discovery document agrees with the issuer": func(t *testing.T, s Setup) {
		issuer := s.issuer(t)
		var document struct {
			Issuer        string `json:"issuer"`
			Authorization string `json:"authorization_endpoint"`
			Token         string `json:"token_endpoint"`
			JWKS          string `json:"jwks_uri"`
		}
		s.get(t, issuer.URL+"/.well-known/openid-configuration", &document)
		if document.Issuer != issuer.URL || document.JWKS != issuer.JWKS ||
			document.Authorization != issuer.Authorization || document.Token != issuer.Token {
			t.Errorf("document %+v, issuer %+v", document, issuer)
		}
	},
	"signing in gives tokens that carry the promised claims": func(t *testing.T, s Setup) {
		user := s.create(t, groupTenant, groupEditor)
		issuer := s.issuer(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))

		access := s.claims(t, issuer, tokens.Access)
		if access.Use != "access" || access.Client != issuer.ClientID {
			t.Errorf("access token: token_use %q, client_id %q, want access for %q", access.Use, access.Client, issuer.ClientID)
		}
		id := s.claims(t, issuer, tokens.ID)
		if id.Use != "id" || !slices.Contains(id.Audience, issuer.ClientID) || id.Email != user.Email {
			t.Errorf("ID token %+v, want token_use id, audience %q, email %q", id, issuer.ClientID, user.Email)
		}
		for name, c := range map[string]claims{"access": access, "ID": id} {
			if c.Issuer != issuer.URL || c.Subject != user.ID || c.Expiry == nil {
				t.Errorf("%s token: iss %q, sub %q, exp %v, want %q, %q and an expiry", name, c.Issuer, c.Subject, c.Expiry, issuer.URL, user.ID)
			}
			if slices.Sort(c.Groups); !slices.Equal(c.Groups, []string{groupEditor, groupTenant}) {
				t.Errorf("%s token: groups %v", name, c.Groups)
			}
		}
	},
	"the nonce comes back in the ID token": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		if got := s.claims(t, attempt.issuer, tokens.ID).Nonce; got != attempt.nonce {
			t.Errorf("nonce %q, want %q", got, attempt.nonce)
		}
	},
	"a wrong password gets no code": func(t *testing.T, s Setup) {
		user := s.create(t)
		to, err := s.SignIn(t.Context(), s.attempt(t).page, user.Email, password+"x")
		if err == nil {
			t.Errorf("sent on to %v", to)
		}
	},
	"the state comes back with the code": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		to, err := s.SignIn(t.Context(), attempt.page, user.Email, password)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Query().Get("state"); got != attempt.state {
			t.Errorf("state %q, want %q", got, attempt.state)
		}
	},
	"a code without its verifier gets no tokens": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		code := s.code(t, attempt, user.Email)
		attempt.verifier = rand.Text() + rand.Text()
		s.refused(t, attempt.exchange(code))
	},
	"a code is good once": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		code := s.code(t, attempt, user.Email)
		s.redeem(t, attempt, code)
		s.refused(t, attempt.exchange(code))
	},
	"a refresh token gets new tokens for the same person": func(t *testing.T, s Setup) {
		user := s.create(t, groupViewer)
		attempt := s.attempt(t)
		first := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		if first.Refresh == "" {
			t.Fatal("no refresh token")
		}
		second := s.tokens(t, attempt.refresh(first.Refresh))
		for _, token := range []string{second.Access, second.ID} {
			if c := s.claims(t, s.issuer(t), token); c.Subject != user.ID || !slices.Equal(c.Groups, []string{groupViewer}) {
				t.Errorf("refreshed token %+v, want subject %q in %q", c, user.ID, groupViewer)
			}
		}
	},
	"an invented refresh token gets nothing": func(t *testing.T, s Setup) {
		s.refused(t, s.attempt(t).refresh(rand.Text()))
	},
	"a disabled user can neither refresh nor sign in": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		if err := s.Directory.Disable(t.Context(), user.ID); err != nil {
			t.Fatal(err)
		}
		s.refused(t, attempt.refresh(tokens.Refresh))
		if to, err := s.SignIn(t.Context(), s.attempt(t).page, user.Email, password); err == nil {
			t.Errorf("signed in, sent on to %v", to)
		}
	},
	"who is signed out everywhere cannot refresh, and may sign in again": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		if err := s.Directory.SignOut(t.Context(), user.ID); err != nil {
			t.Fatal(err)
		}
		s.refused(t, attempt.refresh(tokens.Refresh))
		again := s.attempt(t)
		s.redeem(t, again, s.code(t, again, user.Email))
	},
	"a deleted user cannot refresh": func(t *testing.T, s Setup) {
		user := s.create(t)
		attempt := s.attempt(t)
		tokens := s.redeem(t, attempt, s.code(t, attempt, user.Email))
		if err := s.Directory.Delete(t.Context(), user.ID); err != nil {
			t.Fatal(err)
		}
		s.refused(t, attempt.refresh(tokens.Refresh))
	},
}

// attempt is one sign-in by authorization code and PKCE.
type attempt struct {
	issuer                 identity.Issuer
	redirect               string
	state, nonce, verifier string
	page                   *url.URL
}

func (s Setup) attempt(t *testing.T) attempt {
	t.Helper()
	a := attempt{issuer: s.issuer(t), redirect: s.Redirect, state: rand.Text(), nonce: rand.Text(), verifier: rand.Text() + rand.Text()}
	page, err := url.Parse(a.issuer.Authorization)
	if err != nil {
		t.Fatal(err)
	}
	challenge := sha256.Sum256([]byte(a.verifier))
	page.RawQuery = url.Values{
		"response_type": {"code"}, "scope": {"openid email"},
		"client_id": {a.issuer.ClientID}, "redirect_uri": {a.redirect},
		"state": {a.state}, "nonce": {a.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	a.page = page
	return a
}

func (a attempt) exchange(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {a.issuer.ClientID},
		"redirect_uri": {a.redirect}, "code_verifier": {a.verifier}}
}

func (a attempt) refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {a.issuer.ClientID}}
}

// code signs the person in and returns the code that comes back.
func (s Setup) code(t *testing.T, a attempt, email string) string {
	t.Helper()
	to, err := s.SignIn(t.Context(), a.page, email, password)
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	code := to.Query().Get("code")
	if !strings.HasPrefix(to.String(), a.redirect) || code == "" {
		t.Fatalf("sent on to %v, want a code at %s", to, a.redirect)
	}
	return code
}

type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"` // seconds
}

func (s Setup) redeem(t *testing.T, a attempt, code string) tokens {
	t.Helper()
	return s.tokens(t, a.exchange(code))
}

func (s Setup) tokens(t *testing.T, form url.Values) tokens {
	t.Helper()
	status, body := s.post(t, form)
	var got tokens
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK {
		t.Fatalf("token endpoint: %d %s", status, body)
	}
	if got.Access == "" || got.ID == "" || !strings.EqualFold(got.Type, "bearer") || got.Expires <= 0 {
		t.Errorf("token endpoint: %s", body)
	}
	return got
}

// refused posts to the token endpoint and expects invalid_grant.
func (s Setup) refused(t *testing.T, form url.Values) {
	t.Helper()
	status, body := s.post(t, form)
	var got struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusBadRequest || got.Error != "invalid_grant" {
		t.Errorf("token endpoint: %d %s, want 400 invalid_grant", status, body)
	}
}

func (s Setup) post(t *testing.T, form url.Values) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.issuer(t).Token, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(t, req)
}

func (s Setup) get(t *testing.T, address string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body := s.do(t, req)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", address, status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v", address, err)
	}
}

func (s Setup) do(t *testing.T, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := s.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

type claims struct {
	jwt.Claims
	Use    string   `json:"token_use"`
	Client string   `json:"client_id"`
	Groups []string `json:"cognito:groups"`
	Email  string   `json:"email"`
	Nonce  string   `json:"nonce"`
}

// claims reads a token after checking its signature against the published keys.
func (s Setup) claims(t *testing.T, issuer identity.Issuer, token string) claims {
	t.Helper()
	var keys jose.JSONWebKeySet
	s.get(t, issuer.JWKS, &keys)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		t.Fatalf("token %q: %v", token, err)
	}
	published := keys.Key(parsed.Headers[0].KeyID)
	if len(published) != 1 {
		t.Fatalf("%d keys are called %q, want 1", len(published), parsed.Headers[0].KeyID)
	}
	var c claims
	if err := parsed.Claims(published[0].Key, &c); err != nil {
		t.Fatalf("token %q: %v", token, err)
	}
	return c
}
