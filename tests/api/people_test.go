package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
)

// clocked is a server whose time the test moves. It is in the past, because the provider's
// library refuses what is in the future of the real clock.
type clocked struct {
	world
	micros atomic.Int64 // what runs beside the test looks at it
}

var clockedFrom = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func (c *clocked) now() time.Time { return time.UnixMicro(c.micros.Load()).UTC() }

func (c *clocked) pass(d time.Duration) { c.micros.Add(d.Microseconds()) }

func newClocked(t *testing.T) *clocked {
	t.Helper()
	c := &clocked{}
	c.micros.Store(clockedFrom.UnixMicro())
	dir, keys := workspace(t, foundedEarlier)
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.DiscardHandler),
		Now: c.now, CompactEvery: server.Never, PublishEvery: server.Never})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c.world = world{Handler: s.Handler(), keys: keys}
	return c
}

// later moves the time past what is remembered of callers.
func (c *clocked) later() { c.pass(access.KeyMemory) }

// owner asks as the owner, wants a status and reads the answer.
func (c *clocked) owner(t *testing.T, method, target, body string, want int, into any) {
	t.Helper()
	out := c.ask(method, target, c.keys[access.Owner], []byte(body), nil)
	if out.Code != want {
		t.Fatalf("%s %s: %d %s, want %d", method, target, out.Code, out.Body, want)
	}
	if into != nil {
		if err := json.Unmarshal(out.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
}

// send sends events as the owner, and returns once they are seen.
func (c *clocked) send(t *testing.T, dataset, events string) {
	t.Helper()
	out := c.ask(http.MethodPost, "/v1/datasets/"+dataset+"/events", c.keys[access.Owner], []byte(events), nil)
	if out.Code != http.StatusOK {
		t.Fatal(out.Code, out.Body)
	}
	question, err := json.Marshal(map[string]any{"dataset": dataset, "measures": []string{"count"}, "wait_for": out.Header().Get("Tarn-Version")})
	if err != nil {
		t.Fatal(err)
	}
	c.owner(t, http.MethodPost, "/v1/query", string(question), http.StatusOK, nil)
}

type signedIn struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// signIn does what the console and its person do; a password may be chosen.
func (c *clocked) signIn(t *testing.T, email, password, chosen string) signedIn {
	t.Helper()
	c.pass(time.Second)
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	asked := url.Values{"response_type": {"code"}, "client_id": {"console"}, "redirect_uri": {"http://localhost:8080/"}, "scope": {"openid"},
		"state": {"a state of some length"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}}
	out := c.form("/oidc/authorize?"+asked.Encode(), url.Values{"email": {email}, "password": {password}, "new_password": {chosen}})
	to, err := out.Result().Location()
	if err != nil {
		t.Fatalf("not signed in: %d %s", out.Code, out.Body)
	}
	return c.tokens(t, http.StatusOK, url.Values{"grant_type": {"authorization_code"}, "client_id": {"console"}, "code": {to.Query().Get("code")},
		"code_verifier": {verifier}, "redirect_uri": {"http://localhost:8080/"}})
}

func (c *clocked) refresh(t *testing.T, token string, want int) signedIn {
	t.Helper()
	return c.tokens(t, want, url.Values{"grant_type": {"refresh_token"}, "client_id": {"console"}, "refresh_token": {token}})
}

func (c *clocked) tokens(t *testing.T, want int, form url.Values) (got signedIn) {
	t.Helper()
	out := c.form("/oidc/token", form)
	if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != want {
		t.Fatalf("token endpoint: %d %s, want %d", out.Code, out.Body, want)
	}
	return got
}

func (c *clocked) form(target string, values url.Values) *httptest.ResponseRecorder {
	return c.ask(http.MethodPost, target, "", []byte(values.Encode()), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}})
}

const inviteAda = `{"email":"ada@example.com","groups":["viewer","staff"],"attributes":{"country":["CH"]}}`

type invitedPerson struct{ ID, Password string }

func TestAnInvitedPersonSignsInAndIsWhoTheyWereInvitedAs(t *testing.T) {
	t.Parallel()
	c := newClocked(t)
	var ada invitedPerson
	c.owner(t, http.MethodPost, "/v1/users", inviteAda, http.StatusCreated, &ada)
	tokens := c.signIn(t, "ada@example.com", ada.Password, "a password of her own")
	out := c.ask(http.MethodGet, "/v1/me", tokens.Access, nil, nil)
	var me struct{ ID, Role string }
	if err := json.Unmarshal(out.Body.Bytes(), &me); err != nil || me.ID != "user:"+ada.ID || me.Role != "viewer" {
		t.Errorf("%d %s", out.Code, out.Body)
	}
	if out := c.ask(http.MethodGet, "/v1/users", tokens.Access, nil, nil); out.Code != http.StatusForbidden {
		t.Errorf("a viewer lists people: %d", out.Code)
	}
	if out := c.ask(http.MethodGet, "/v1/users", c.keys[access.Owner], nil, nil); strings.Contains(out.Body.String(), ada.Password) {
		t.Error("the one-time password is shown again")
	}
}

func TestWhatChangesOfAPersonHoldsForTheirTokensWithinSeconds(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		method, path, body string
		status             int
		refreshed          int // what the refresh token gets
	}{
		"other groups":      {http.MethodPatch, "", `{"groups":["editor"]}`, http.StatusOK, http.StatusOK},
		"being disabled":    {http.MethodPatch, "", `{"disabled":true}`, http.StatusOK, http.StatusBadRequest},
		"being signed out":  {http.MethodPost, "/sign-out", "", http.StatusNoContent, http.StatusBadRequest},
		"being reset":       {http.MethodPost, "/reset", "", http.StatusOK, http.StatusBadRequest},
		"being removed":     {http.MethodDelete, "", "", http.StatusNoContent, http.StatusBadRequest},
		"enabled once more": {http.MethodPatch, "", `{"disabled":false}`, http.StatusOK, http.StatusOK},
	} {
		t.Run(claim, func(t *testing.T) {
			s := newClocked(t)
			var ada invitedPerson
			s.owner(t, http.MethodPost, "/v1/users", inviteAda, http.StatusCreated, &ada)
			tokens := s.signIn(t, "ada@example.com", ada.Password, "a password of her own")
			s.ask(http.MethodGet, "/v1/me", tokens.Access, nil, nil) // remembered
			s.owner(t, c.method, "/v1/users/"+ada.ID+c.path, c.body, c.status, nil)
			s.later()
			if out := s.ask(http.MethodGet, "/v1/me", tokens.Access, nil, nil); out.Code != http.StatusUnauthorized {
				t.Errorf("the old token is answered %d %s", out.Code, out.Body)
			}
			s.refresh(t, tokens.Refresh, c.refreshed)
		})
	}
}

func TestAResetPersonSignsInWithTheOneTimePasswordAloneAndTheLogHasNoneOfIt(t *testing.T) {
	t.Parallel()
	c := newClocked(t)
	var ada, reset invitedPerson
	c.owner(t, http.MethodPost, "/v1/users", inviteAda, http.StatusCreated, &ada)
	c.signIn(t, "ada@example.com", ada.Password, "a password of her own")
	c.owner(t, http.MethodPost, "/v1/users/"+ada.ID+"/reset", "", http.StatusOK, &reset)
	log := c.ask(http.MethodGet, "/v1/audit", c.keys[access.Owner], nil, nil).Body.String()
	if !strings.Contains(log, `"route":"resetUser","on":{"user":"`+ada.ID+`"},"outcome":"done"`) || strings.Contains(log, reset.Password) {
		t.Errorf("the log: %s", log)
	}
	tokens := c.signIn(t, "ada@example.com", reset.Password, "another password of hers")
	out := c.ask(http.MethodGet, "/v1/me", tokens.Access, nil, nil)
	if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), ada.ID) {
		t.Errorf("%d %s", out.Code, out.Body)
	}
}

func TestARowFilterFollowsAPersonsAttributes(t *testing.T) {
	t.Parallel()
	c := newClocked(t)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`, http.StatusCreated, nil)
	c.send(t, "web", `[{"event":"x","event_id":"1","properties":{"country":"CH"}},{"event":"x","event_id":"2","properties":{"country":"DE"}}]`)
	c.owner(t, http.MethodPost, "/v1/row-filters", `{"dataset":"web","groups":["staff"],"filter":{"column":"country","op":"in","attribute":"country"}}`, http.StatusCreated, nil)
	var ada invitedPerson
	c.owner(t, http.MethodPost, "/v1/users", inviteAda, http.StatusCreated, &ada)
	tokens := c.signIn(t, "ada@example.com", ada.Password, "a password of her own")
	for _, step := range []struct {
		attributes string
		want       [][]any
	}{
		{"", [][]any{{"CH", 1.0}}},
		{`{"country":["DE"]}`, [][]any{{"DE", 1.0}}},
		{`{"country":["CH","DE"]}`, [][]any{{"CH", 1.0}, {"DE", 1.0}}},
		{`{}`, [][]any{}},
	} {
		if step.attributes != "" {
			c.owner(t, http.MethodPatch, "/v1/users/"+ada.ID, `{"attributes":`+step.attributes+`}`, http.StatusOK, nil)
			c.later()
		}
		var got struct{ Rows [][]any }
		out := c.ask(http.MethodPost, "/v1/query", tokens.Access, []byte(`{"dataset":"web","dimensions":["country"],"measures":["count"],"order":[{"by":"country"}]}`), nil)
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil || out.Code != http.StatusOK {
			t.Fatalf("%d %s", out.Code, out.Body)
		}
		if diff := cmp.Diff(step.want, got.Rows); diff != "" {
			t.Errorf("with attributes %s: %s", step.attributes, diff)
		}
	}
}
