package oidc

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"
)

func TestAResetLeavesNoSeedAndNoSession(t *testing.T) {
	s := newSite(t)
	b := s.inSession(t)
	s.withFactor(t)
	was, err := s.users.get(t.Context(), s.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	oneTime, err := s.Reset(t.Context(), s.user.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.get(t, s.url+factorPath); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session of before: %s", got.Status)
	}
	if _, err := s.seeds.get(t.Context(), s.user.ID, was.Factor.Seed); err == nil {
		t.Error("the seed is kept")
	}
	if got := s.fill(t, oneTime, ""); got.StatusCode == http.StatusSeeOther || !strings.Contains(got.body, "new_password") {
		t.Errorf("with the one-time password: %s", got.Status)
	}
}

func TestAResetPersonComesByAnotherProviderAsAnInvitedOneDoes(t *testing.T) {
	s, f := withForeign(t)
	invited := s.invite(t, grace, "viewer")
	for _, subject := range []string{"42", "43"} { // of whom the provider calls so now
		f.knows(func(u *mockoidc.MockUser) { u.Subject = subject })
		if newBrowser().visit(t, s.client()).query().Get("code") == "" {
			t.Fatalf("%s is not signed in", subject)
		}
		if _, err := s.Reset(t.Context(), invited.ID); err != nil {
			t.Fatal(err)
		}
	}
	f.knows(func(u *mockoidc.MockUser) { u.Subject, u.EmailVerified = "43", false })
	wantTold(t, newBrowser().visit(t, s.client()), http.StatusUnauthorized, "Verify it there")
}
