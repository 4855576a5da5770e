package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/tests/fake"
)

const (
	email    = "ada@example.com"
	password = "Correct-horse-9-battery"
)

// clock is a time that only the test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// longAgo is in the past because fosite looks at the real clock too, and refuses a
// sign-in from its future.
var longAgo = time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC)

// madeKey is one signing key for all tests, because making one takes a while.
var madeKey = sync.OnceValue(func() []signingKey {
	k := keyring{secrets: &fake.Secrets{}, now: (&clock{longAgo}).now}
	return []signingKey{must(k.current(context.Background()))}
})

// site is a running provider with one user.
type site struct {
	*Provider
	table   *memory
	secrets fake.Secrets
	clock   *clock
	url     string
	user    identity.User
	more    []func(*Config)
}

func newSite(t *testing.T, more ...func(*Config)) *site {
	t.Helper()
	s := &site{table: &memory{}, clock: &clock{longAgo}, more: more}
	if err := storeKeys(t.Context(), &s.secrets, madeKey()); err != nil {
		t.Fatal(err)
	}
	s.open(t)
	s.users.cost = passwordHash{Memory: 64, Passes: 1} // or the tests would mostly hash
	var err error
	if s.user, err = s.Create(t.Context(), email, password, []string{"editor"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// open starts the provider on what the table holds.
func (s *site) open(t *testing.T) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	config := Config{Table: s.table, Secrets: &s.secrets, URL: s.url, Now: s.clock.now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	for _, change := range s.more {
		change(&config)
	}
	var err error
	s.Provider, err = Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.Handler()
	server.Start()
	t.Cleanup(server.Close)
}

// browser keeps cookies and follows no redirect.
type browser struct{ http.Client }

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // its error is always nil
	return &browser{http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(ctx context.Context, method, address string, form url.Values, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

func (b *browser) get(t *testing.T, address string, headers ...string) answer {
	t.Helper()
	got, err := b.do(t.Context(), http.MethodGet, address, nil, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *browser) post(t *testing.T, address string, form url.Values, headers ...string) answer {
	t.Helper()
	got, err := b.do(t.Context(), http.MethodPost, address, form, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// query returns what the browser is told to carry back to the client.
func (a answer) query() url.Values {
	to, err := a.Location()
	if err != nil {
		return nil
	}
	return to.Query()
}

var formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)

// fillIn opens a sign-in page and sends its form.
func (b *browser) fillIn(ctx context.Context, page, email, password string, more ...string) (answer, error) {
	shown, err := b.do(ctx, http.MethodGet, page, nil)
	if err != nil {
		return answer{}, err
	}
	action := formAction.FindStringSubmatch(shown.body)
	if action == nil {
		return answer{}, fmt.Errorf("%s has no form: %s", page, shown.Status)
	}
	to, err := shown.Request.URL.Parse(html.UnescapeString(action[1]))
	if err != nil {
		return answer{}, err
	}
	form := url.Values{"email": {email}, "password": {password}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.do(ctx, http.MethodPost, to.String(), form, "Sec-Fetch-Site", "same-origin")
}

// client is the console's side of one sign-in.
type client struct {
	*site
	verifier string
	redirect string
}

func (s *site) client() client {
	return client{s, rand.Text() + rand.Text(), s.url + "/"}
}

// page is where the client sends a person, with changes; an empty value removes a
// parameter.
func (c client) page(changes ...string) string {
	challenge := sha256.Sum256([]byte(c.verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {ClientID}, "redirect_uri": {c.redirect}, "scope": {"openid email"},
		"state": {"a state of some length"}, "nonce": {"a nonce of some length"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		query.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			query.Del(changes[i])
		}
	}
	return c.url + "/oidc/authorize?" + query.Encode()
}

// code signs the user in with a browser of their own.
func (c client) code(t *testing.T) string {
	t.Helper()
	got, err := newBrowser().fillIn(t.Context(), c.page(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	code := got.query().Get("code")
	if code == "" {
		t.Fatalf("no code: %s %s", got.Status, got.body)
	}
	return code
}

type tokenAnswer struct {
	Status  int
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func (s *site) ask(t *testing.T, form url.Values) tokenAnswer {
	t.Helper()
	got := newBrowser().post(t, s.url+"/oidc/token", form)
	parsed := tokenAnswer{Status: got.StatusCode}
	if err := json.Unmarshal([]byte(got.body), &parsed); err != nil {
		t.Fatalf("token endpoint: %s %q", got.Status, got.body)
	}
	return parsed
}

func (c client) redeem(t *testing.T, code string) tokenAnswer {
	t.Helper()
	return c.ask(t, url.Values{"grant_type": {"authorization_code"}, "client_id": {ClientID}, "code": {code},
		"code_verifier": {c.verifier}, "redirect_uri": {c.redirect}})
}

func (s *site) refresh(t *testing.T, token string) tokenAnswer {
	t.Helper()
	return s.ask(t, url.Values{"grant_type": {"refresh_token"}, "client_id": {ClientID}, "refresh_token": {token}})
}

// signedIn returns the tokens of a fresh sign-in.
func (s *site) signedIn(t *testing.T) tokenAnswer {
	t.Helper()
	c := s.client()
	got := c.redeem(t, c.code(t))
	if got.Status != http.StatusOK {
		t.Fatalf("no tokens: %+v", got)
	}
	return got
}

func wantRefused(t *testing.T, got tokenAnswer) {
	t.Helper()
	if got.Status != http.StatusBadRequest || got.Error != "invalid_grant" || got.Access != "" {
		t.Errorf("got %+v, want 400 invalid_grant", got)
	}
}
