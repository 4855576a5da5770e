package oidc

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heard is a site that keeps what it tells.
type heard struct {
	*site
	events []Event
}

func newHeard(t *testing.T) *heard {
	t.Helper()
	h := &heard{}
	h.site = newSite(t, func(c *Config) {
		c.Told = func(_ context.Context, e Event) { h.events = append(h.events, e) }
	})
	return h
}

// wants fails unless these things were told since the last time, of the site's user or,
// with a question mark, of nobody.
func (h *heard) wants(t *testing.T, claim string, want ...string) {
	t.Helper()
	names := map[Happening]string{SignedIn: "signed in", SignedOut: "signed out", PasswordChanged: "password", FactorBegun: "factor begun", FactorEnded: "factor ended"}
	var got []string
	for _, e := range h.events {
		text := strings.TrimSpace(names[e.What] + " " + e.Failure)
		switch e.User.ID {
		case h.user.ID:
		case "":
			text += "?"
		default:
			text += " by " + e.User.ID
		}
		if host, _, err := net.SplitHostPort(e.From); err != nil || !net.ParseIP(host).IsLoopback() {
			t.Errorf("%s: from %q", claim, e.From)
		}
		got = append(got, text)
	}
	h.events = nil
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s", claim, cmp.Diff(want, got))
	}
}

func (h *heard) tries(t *testing.T, email, password string) answer {
	t.Helper()
	got, err := newBrowser().fillIn(t.Context(), h.client().page(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestSignInsAndTheirFailuresAreTold(t *testing.T) {
	h := newHeard(t)
	tokens := h.signedIn(t)
	h.wants(t, "a sign-in", "signed in")
	h.refresh(t, tokens.Refresh)
	h.wants(t, "a refresh")
	h.refresh(t, tokens.Refresh)
	h.wants(t, "a refresh token that is used again", "signed in refresh_reused")
	h.refresh(t, tokens.Refresh)
	h.wants(t, "once more, when its grant has ended", "signed in refresh_reused?")

	c := h.client()
	code := c.code(t)
	c.redeem(t, code)
	c.redeem(t, code)
	h.wants(t, "a code that is used again", "signed in", "signed in code_reused")

	h.tries(t, email, "wrong-password")
	h.wants(t, "a wrong password", "signed in wrong_password")
	h.tries(t, "nobody@example.com", "wrong-password")
	h.wants(t, "an unknown address", "signed in wrong_password?")
	for range maxByVisitor {
		h.tries(t, email, "wrong-password")
	}
	h.events = nil
	h.tries(t, email, password)
	h.wants(t, "a lock-out", "signed in too_many_attempts")
	h.clock.Time = h.clock.Add(window)

	if err := h.Disable(t.Context(), h.user.ID); err != nil {
		t.Fatal(err)
	}
	h.tries(t, email, password)
	h.wants(t, "a disabled account", "signed in disabled")
}

func TestWhatPeopleDoWithTheirAccountsIsTold(t *testing.T) {
	h := newHeard(t)
	b := h.inSession(t)
	h.wants(t, "a sign-in", "signed in")
	b.get(t, h.client().page())
	h.wants(t, "a session that goes on")
	b.get(t, h.url+"/oidc/logout")
	h.wants(t, "a sign-out", "signed out")
	b.get(t, h.url+"/oidc/logout")
	h.wants(t, "a sign-out of nobody")

	seed := h.withFactor(t)
	h.wants(t, "a second factor", "signed in", "factor begun")
	h.fill(t, password, "")
	h.wants(t, "a code that is asked for")
	h.fill(t, password, "000000")
	h.wants(t, "a wrong code", "signed in second_factor")
	b = newBrowser()
	if _, err := b.fillIn(t.Context(), h.client().page(), email, password, "code", h.codeNow(seed)); err != nil {
		t.Fatal(err)
	}
	h.nextStep()
	h.confirmed(t, b, password, h.codeNow(seed))
	h.wants(t, "its end", "signed in", "factor ended")

	const own = "a password of my own"
	invited, oneTime, err := h.Invite(t.Context(), "bob@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.user = invited
	h.tries(t, invited.Email, oneTime)
	h.wants(t, "a one-time password alone")
	if got, err := newBrowser().fillIn(t.Context(), h.client().page(), invited.Email, oneTime, "new_password", own); err != nil || got.StatusCode != http.StatusSeeOther {
		t.Fatal(got.Status, err)
	}
	h.wants(t, "a password that was chosen", "password", "signed in")
}

// TestNothingIsToldOfWhatWasTyped: a password may stand in the field of the address.
func TestNothingIsToldOfWhatWasTyped(t *testing.T) {
	h := newHeard(t)
	const typed = "typed-into-the-wrong-field"
	h.tries(t, typed, typed)
	for _, e := range h.events {
		if strings.Contains(strings.Join([]string{e.User.Email, e.User.ID, e.Failure, e.From, e.Provider}, " "), typed) {
			t.Errorf("%+v", e)
		}
	}
	h.wants(t, "an address that is none", "signed in wrong_password?")
}
