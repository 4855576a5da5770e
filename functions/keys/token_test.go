package keys

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

var reports = access.KeySpec{Role: access.Analyst, Scopes: []access.Action{access.RunQuery, access.ReadSelf}}

// take sends a request for a token.
func (s service) take(authorization string, form url.Values) (int, http.Header, map[string]any) {
	r := httptest.NewRequest(http.MethodPost, "/v1/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	answer := map[string]any{}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // what is no JSON lacks what is asked for
	return w.Code, w.Header(), answer
}

func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

var wanted = url.Values{"grant_type": {"client_credentials"}}

func with(pairs ...string) url.Values {
	form := url.Values{"grant_type": wanted["grant_type"]}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

func TestAServiceAccountTakesATokenForItsKey(t *testing.T) {
	s := newService()
	id, key := s.key(t, reports)
	for way, c := range map[string]struct {
		authorization string
		form          url.Values
	}{
		"by Basic":                     {basic(id, key), wanted},
		"in the body":                  {"", with("client_id", id, "client_secret", key)},
		"as keys are sent elsewhere":   {"Bearer " + key, wanted},
		"as SDKs send keys, as a name": {basic(key, ""), wanted},
	} {
		code, header, got := s.take(c.authorization, c.form)
		token, _ := got["access_token"].(string)
		if code != http.StatusOK || token == "" || header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %v %v", way, code, header, got)
		}
		delete(got, "access_token")
		if diff := cmp.Diff(map[string]any{"token_type": "Bearer", "expires_in": 900.0, "scope": "query:run self:read"}, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", way, diff)
		}
		var self struct{ ID string }
		if code := s.call(t, token, http.MethodGet, "/v1/me", "", &self); code != http.StatusOK || self.ID != "key:"+id {
			t.Errorf("%s: the token is %d %q", way, code, self.ID)
		}
	}
}

func TestTheClientOfALibraryTakesAToken(t *testing.T) {
	s := newService()
	id, key := s.key(t, reports)
	server := httptest.NewServer(s)
	defer server.Close()
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		client := clientcredentials.Config{ClientID: id, ClientSecret: key, TokenURL: server.URL + "/v1/token", Scopes: []string{"self:read"}, AuthStyle: style}
		if token, err := client.Token(t.Context()); err != nil || token.Type() != "Bearer" {
			t.Errorf("style %d: %v, %v", style, token, err)
		}
		client.ClientSecret = "wrong"
		_, err := client.Token(t.Context())
		if told, ok := err.(*oauth2.RetrieveError); !ok || told.ErrorCode != "invalid_client" {
			t.Errorf("style %d, a wrong key: %v", style, err)
		}
	}
}

func TestAClientThatAsksWronglyIsToldInOAuthsWords(t *testing.T) {
	s := newService()
	id, key := s.key(t, reports)
	other, _ := s.key(t, reports)
	_, _, given := s.take(basic(id, key), wanted)
	token := given["access_token"].(string)
	for claim, c := range map[string]struct {
		authorization string
		form          url.Values
		status        int
		code          string
	}{
		"nobody":                       {"", wanted, 401, "invalid_client"},
		"with a wrong key":             {basic(id, "tarn_wrong"), wanted, 401, "invalid_client"},
		"with another's id":            {basic(other, key), wanted, 401, "invalid_client"},
		"without an id, in the body":   {"", with("client_secret", key), 200, ""},
		"without a key, in the body":   {"", with("client_id", id), 401, "invalid_client"},
		"with a token in place of key": {"Bearer " + token, wanted, 401, "invalid_client"},
		"twice":                        {basic(id, key), with("client_id", id, "client_secret", key), 400, "invalid_request"},
		"with two scopes":              {basic(id, key), with("scope", "query:run", "scope", "self:read"), 400, "invalid_request"},
		"for a person":                 {basic(id, key), url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
		"for nothing":                  {basic(id, key), nil, 400, "unsupported_grant_type"},
		"for more than the key may do": {basic(id, key), with("scope", "dataset:delete"), 400, "invalid_scope"},
		"for less":                     {basic(id, key), with("scope", "self:read"), 200, ""},
	} {
		code, header, got := s.take(c.authorization, c.form)
		if told, _ := got["error"].(string); code != c.status || told != c.code {
			t.Errorf("%s: %d %v, want %d %s", claim, code, got, c.status, c.code)
		}
		if code == http.StatusUnauthorized && !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%s: WWW-Authenticate %q", claim, header.Get("WWW-Authenticate"))
		}
	}
}

func TestARevokedKeyGetsNoToken(t *testing.T) {
	s := newService()
	id, key := s.key(t, reports)
	if err := s.keys.Revoke(t.Context(), "main", id); err != nil {
		t.Fatal(err)
	}
	if code, _, got := s.take(basic(id, key), wanted); code != http.StatusUnauthorized {
		t.Errorf("%d %v", code, got)
	}
}
