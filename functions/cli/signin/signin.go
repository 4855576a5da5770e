// Package signin signs a person in through their browser, as RFC 8252 has it: the
// authorization code comes back to an address of this machine alone, and PKCE, state and
// nonce bind it to this program.
package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tarnhq/tarn/functions/cli/profile"
	"github.com/tarnhq/tarn/shared/config"
)

// Provider is where people sign in, as GET /v1/sign-in tells it.
type Provider struct {
	Issuer        string `json:"issuer"`
	ClientID      string `json:"client_id"`
	Authorization string `json:"authorization"`
	Token         string `json:"token"`
}

// ErrEnded says that a session is over: its person must sign in again.
var ErrEnded = errors.New("the session has ended")

// Browser shows a person the sign-in page.
type Browser func(address string) error

// Run signs a person in. It returns when they have, or the context ends.
func Run(ctx context.Context, c *http.Client, p Provider, show Browser) (profile.Tokens, error) {
	ctx = oidc.ClientContext(ctx, c)
	known, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return profile.Tokens{}, fmt.Errorf("the issuer %s: %w", p.Issuer, err)
	}
	listener, home, err := listen(ctx, p.Issuer)
	if err != nil {
		return profile.Tokens{}, err
	}
	conf := p.oauth(home)
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	back := make(chan url.Values, 1)
	server := &http.Server{Handler: answers(state, back), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends by Close
	defer server.Close()
	if err := show(conf.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))); err != nil {
		return profile.Tokens{}, err
	}
	var answer url.Values
	select {
	case answer = <-back:
	case <-ctx.Done():
		return profile.Tokens{}, ctx.Err()
	}
	if issuer := answer.Get("iss"); issuer != "" && issuer != p.Issuer {
		return profile.Tokens{}, fmt.Errorf("the answer is of another issuer, %q", issuer)
	}
	if code := answer.Get("error"); code != "" {
		return profile.Tokens{}, fmt.Errorf("the sign-in page refused: %s", strings.TrimSpace(code+" "+answer.Get("error_description")))
	}
	got, err := conf.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return profile.Tokens{}, refused(err)
	}
	return tokens(got, "", func(id string) error {
		checked, err := known.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, id)
		if err == nil && checked.Nonce != nonce {
			err = errors.New("the ID token was made for another sign-in")
		}
		return err
	})
}

// Refresh exchanges a refresh token. It is good once: the answer holds the next, where
// the issuer rotates them.
func Refresh(ctx context.Context, c *http.Client, p Provider, refresh string) (profile.Tokens, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c)
	got, err := p.oauth("").TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		return profile.Tokens{}, refused(err)
	}
	return tokens(got, refresh, nil)
}

func (p Provider) oauth(home string) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, RedirectURL: home, Scopes: []string{oidc.ScopeOpenID, "email"},
		Endpoint: oauth2.Endpoint{AuthURL: p.Authorization, TokenURL: p.Token, AuthStyle: oauth2.AuthStyleInParams}}
}

func tokens(got *oauth2.Token, before string, check func(id string) error) (profile.Tokens, error) {
	if check != nil {
		id, _ := got.Extra("id_token").(string)
		if err := check(id); err != nil {
			return profile.Tokens{}, err
		}
	}
	t := profile.Tokens{Access: got.AccessToken, Refresh: got.RefreshToken, Expires: got.Expiry.UTC()}
	if t.Refresh == "" {
		t.Refresh = before
	}
	return t, nil
}

// refused tells a session that is over from an issuer that is away.
func refused(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) && answered.ErrorCode == "invalid_grant" {
		return fmt.Errorf("%w (%s)", ErrEnded, strings.TrimSpace(answered.ErrorCode+" "+answered.ErrorDescription))
	}
	return err
}

// listen waits for the browser on an address that the issuer sends codes to. Cognito
// knows an address with its port alone, and takes HTTP from localhost only, so that the
// ports are few and told to it; others take any port.
func listen(ctx context.Context, issuer string) (net.Listener, string, error) {
	ports, host := []int{0}, "127.0.0.1"
	if u, err := url.Parse(issuer); err == nil && strings.HasPrefix(u.Hostname(), "cognito-idp.") {
		ports, host = config.SignInPorts, "localhost"
	}
	var lost error
	for _, port := range ports {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return l, fmt.Sprintf("http://%s:%d/", host, l.Addr().(*net.TCPAddr).Port), nil
		}
		lost = err
	}
	return nil, "", fmt.Errorf("no port to wait for the browser on: %w", lost)
}

// answers takes the answer that has the state, once. What else calls is turned away: any
// page of the browser can.
func answers(state string, back chan<- url.Values) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		q := r.URL.Query()
		if r.Method != http.MethodGet || r.URL.Path != "/" || q.Get("state") != state {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintln(w, "This address waits for a sign-in that was begun elsewhere.")
			return
		}
		select {
		case back <- q:
		default: // it came twice
		}
		if q.Get("error") != "" {
			fmt.Fprintln(w, "You are not signed in. The terminal says why.")
			return
		}
		fmt.Fprintln(w, "Thank you. Go on in the terminal; this page can be closed.")
	})
}
