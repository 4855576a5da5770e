package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/fosite"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestPackageAccessAcceptsTheTokens(t *testing.T) {
	s := newSite(t)
	at, err := s.Issuer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier := access.NewTokens(at, s.Keys, access.People{Table: s.table, Now: s.clock.now})
	got := s.signedIn(t)
	want := access.Principal{Tenant: "main", ID: "user:" + s.user.ID, Role: access.Editor, Expires: s.clock.Add(tokenLife)}
	for _, token := range []string{got.Access, got.ID} {
		who, err := verifier.Identify(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, who); diff != "" {
			t.Error(diff)
		}
	}
	s.clock.Time = s.clock.Add(tokenLife)
	if _, err := verifier.Identify(t.Context(), got.Access); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after an hour: %v, want Unauthenticated", err)
	}
}

func TestACodeIsForItsClientAlone(t *testing.T) {
	for claim, spoil := range map[string]func(*client){
		"and its verifier":         func(c *client) { c.verifier = strings.Repeat("v", 50) },
		"and a verifier that fits": func(c *client) { c.verifier = "short" },
		"and its address":          func(c *client) { c.redirect = "http://localhost:5173/" },
		"and a minute":             func(c *client) { c.clock.Time = c.clock.Add(codeLife) },
		"while the user may":       func(c *client) { _ = c.Disable(t.Context(), c.user.ID) },
	} {
		t.Run(claim, func(t *testing.T) {
			c := newSite(t).client()
			code := c.code(t)
			spoil(&c)
			wantRefused(t, c.redeem(t, code))
		})
	}
}

func TestACodeUsedTwiceEndsTheGrant(t *testing.T) {
	c := newSite(t).client()
	code := c.code(t)
	first := c.redeem(t, code)
	wantRefused(t, c.redeem(t, code))
	wantRefused(t, c.refresh(t, first.Refresh))
}

func TestARefreshTokenUsedTwiceEndsTheGrant(t *testing.T) {
	s := newSite(t)
	first := s.signedIn(t)
	second := s.refresh(t, first.Refresh)
	if second.Status != http.StatusOK || second.Refresh == first.Refresh {
		t.Fatalf("first refresh: %+v", second)
	}
	wantRefused(t, s.refresh(t, first.Refresh))
	wantRefused(t, s.refresh(t, second.Refresh))
	wantRefused(t, s.refresh(t, first.Refresh))
	if other := s.signedIn(t); s.refresh(t, other.Refresh).Status != http.StatusOK {
		t.Error("another sign-in of the same user ended too")
	}
}

func TestOfManyWhoRefreshAtOnceOneWins(t *testing.T) {
	s := newSite(t)
	first := s.signedIn(t)
	var all sync.WaitGroup
	answers := make(chan tokenAnswer, 8)
	for range cap(answers) {
		all.Go(func() { answers <- s.refresh(t, first.Refresh) })
	}
	all.Wait()
	close(answers)
	won := 0
	for got := range answers {
		if got.Status == http.StatusOK {
			won++
			continue
		}
		wantRefused(t, got)
	}
	if won != 1 {
		t.Errorf("%d won, want one", won)
	}
}

func TestAnswersThatOvertakeEachOtherDoNotBothStand(t *testing.T) {
	s := newSite(t)
	store := grants{table: s.table, now: s.clock.now, base: s.url}
	key := refreshKey(hashed(s.signedIn(t).Refresh))
	var answers []context.Context
	for range 2 {
		ctx, err := store.BeginTX(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := store.RotateRefreshToken(ctx, "", key.Sort); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, ctx)
	}
	if err := store.Commit(answers[0]); err != nil {
		t.Error(err)
	}
	if err := store.Commit(answers[1]); !errors.Is(overtaken(err), fosite.ErrInvalidGrant) {
		t.Errorf("got %v, want invalid_grant", err)
	}
}

func TestAGrantEndsHoweverOftenItIsRefreshed(t *testing.T) {
	s := newSite(t)
	got := s.signedIn(t)
	for range 5 {
		s.clock.Time = s.clock.Add(grantLife/5 - time.Second)
		if got = s.refresh(t, got.Refresh); got.Status != http.StatusOK {
			t.Fatalf("refresh: %+v", got)
		}
	}
	s.clock.Time = s.clock.Add(5 * time.Second)
	wantRefused(t, s.refresh(t, got.Refresh))
}

func TestARefreshedTokenHasTheGroupsOfNow(t *testing.T) {
	s := newSite(t)
	got := s.signedIn(t)
	if err := s.SetGroups(t.Context(), s.user.ID, []string{"viewer"}); err != nil {
		t.Fatal(err)
	}
	c, err := s.issuer.verify(s.refresh(t, got.Refresh).Access)
	if err != nil || !slices.Equal(c.Groups, []string{"viewer"}) {
		t.Errorf("groups %v, %v, want viewer", c.Groups, err)
	}
}

func TestAnEnabledUserRefreshesAgain(t *testing.T) {
	s := newSite(t)
	got := s.signedIn(t)
	if err := s.Disable(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, s.refresh(t, got.Refresh))
	if err := s.Enable(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.refresh(t, got.Refresh); got.Status != http.StatusOK {
		t.Errorf("got %+v, want tokens", got)
	}
}

func TestNothingInTheTableIsOfUse(t *testing.T) {
	c := newSite(t).client()
	b := newBrowser()
	shown, err := b.fillIn(t.Context(), c.page(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	code := shown.query().Get("code")
	secrets := map[string]string{
		"password": password, "code": code, "refresh token": c.redeem(t, code).Refresh,
		"cookie": b.Jar.Cookies(must(url.Parse(c.url + "/oidc/authorize")))[0].Value,
	}
	seed := c.withFactor(t)
	secrets["second factor's seed"] = base64.StdEncoding.EncodeToString(seed)
	private := must(must(c.issuer.keys.current(t.Context())).JWK.MarshalJSON())
	var members map[string]string
	if err := json.Unmarshal(private, &members); err != nil {
		t.Fatal(err)
	}
	secrets["signing key"] = members["d"]
	for _, item := range c.table.written {
		all := fmt.Sprintf("%v %s", item, item.Body)
		for name, secret := range secrets {
			if secret == "" || strings.Contains(all, secret) {
				t.Errorf("item %v holds the %s", item.Key, name)
			}
		}
	}
}

func TestUserinfo(t *testing.T) {
	s := newSite(t)
	tokens := s.signedIn(t)
	ask := func(token string) answer {
		return newBrowser().get(t, s.url+"/oidc/userinfo", "Authorization", "Bearer "+token)
	}
	var got struct {
		Sub, Email string
		Groups     []string `json:"cognito:groups"`
	}
	if err := json.Unmarshal([]byte(ask(tokens.Access).body), &got); err != nil || got.Sub != s.user.ID || got.Email != email || !slices.Equal(got.Groups, s.user.Groups) {
		t.Errorf("%+v, %v", got, err)
	}
	refused := func(claim, token string) {
		t.Helper()
		if got := ask(token); got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %s, want 401", claim, got.Status)
		}
	}
	refused("no token", "")
	refused("garbage", "garbage")
	refused("an ID token", tokens.ID)
	if err := s.Disable(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	refused("a disabled user", tokens.Access)
	s.clock.Time = s.clock.Add(tokenLife + time.Second)
	refused("an expired token", tokens.Access)
}

func TestPagesOfAnyOriginMayUseTheTokenEndpoints(t *testing.T) {
	s := newSite(t)
	for path, method := range map[string]string{
		"/oidc/token": http.MethodPost, "/oidc/userinfo": http.MethodGet, "/oidc/jwks": http.MethodGet,
		"/oidc/.well-known/openid-configuration": http.MethodGet,
	} {
		got, err := newBrowser().do(t.Context(), http.MethodOptions, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Methods") != method {
			t.Errorf("%s: %s %v", path, got.Status, got.Header)
		}
		got, err = newBrowser().do(t.Context(), http.MethodDelete, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("DELETE %s: %s, want 405", path, got.Status)
		}
	}
}

func TestATableThatIsDownIsSaidToBe(t *testing.T) {
	s := newSite(t)
	tokens := s.signedIn(t)
	b := s.inSession(t)
	s.table.down = fault.New(fault.Unavailable, "down", "down").Because(errors.New("disk on fire"))
	if got := s.refresh(t, tokens.Refresh); got.Status < 500 {
		t.Errorf("token endpoint: %+v, want 5xx", got)
	}
	got := b.get(t, s.client().page())
	if got.StatusCode != http.StatusServiceUnavailable || strings.Contains(got.body, "fire") {
		t.Errorf("page: %s %s, want 503 without the cause", got.Status, got.body)
	}
}
