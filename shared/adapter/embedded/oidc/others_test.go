package oidc

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
)

const grace = "grace@example.com"

// knows makes the next visitor of the other provider this person.
func (f *foreign) knows(change func(*mockoidc.MockUser)) {
	u := &mockoidc.MockUser{Subject: "42", Email: grace, EmailVerified: true, Groups: []string{"staff"}}
	if change != nil {
		change(u)
	}
	f.QueueUser(u)
}

func (s *site) invite(t *testing.T, email string, groups ...string) identity.User {
	t.Helper()
	user, _, err := s.Invite(t.Context(), email, groups)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func TestAnInvitedPersonSignsInWithAnotherProvider(t *testing.T) {
	s, f := withForeign(t)
	invited := s.invite(t, grace, "viewer")
	f.knows(nil)
	c := s.client()
	got := c.redeem(t, newBrowser().visit(t, c).query().Get("code"))
	if got.Status != http.StatusOK {
		t.Fatalf("no tokens: %+v", got)
	}
	claims, err := s.issuer.verify(got.Access)
	if err != nil || claims.Subject != invited.ID || !slices.Equal(claims.Groups, []string{"viewer"}) {
		t.Errorf("the token is of %q in %v (%v), want the invited person", claims.Subject, claims.Groups, err)
	}
	if again := s.refresh(t, got.Refresh); again.Status != http.StatusOK {
		t.Errorf("refreshing: %+v", again)
	}
}

func TestAPersonIsKnownByTheirSubjectEvenUnderAnotherAddress(t *testing.T) {
	s, f := withForeign(t)
	invited := s.invite(t, grace, "viewer")
	for _, address := range []string{grace, "grace.hopper@example.net", ""} {
		f.knows(func(u *mockoidc.MockUser) { u.Email = address })
		c := s.client()
		got := c.redeem(t, newBrowser().visit(t, c).query().Get("code"))
		if claims, err := s.issuer.verify(got.Access); err != nil || claims.Subject != invited.ID {
			t.Errorf("with address %q the token is of %q (%v)", address, claims.Subject, err)
		}
	}
}

func TestWhoSignsInElsewhereHasNoPasswordHere(t *testing.T) {
	s, f := withForeign(t)
	_, oneTime, err := s.Invite(t.Context(), grace, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.knows(nil)
	c := s.client()
	if newBrowser().visit(t, c).query().Get("code") == "" {
		t.Fatal("not signed in")
	}
	for _, tried := range []string{oneTime, ""} {
		got := must(newBrowser().fillIn(t.Context(), c.page(), grace, tried, "new_password", "Another-horse-7"))
		wantTold(t, got, http.StatusUnauthorized, "wrong")
	}
}

func TestWhoMayNotSignInWithAnotherProvider(t *testing.T) {
	for claim, c := range map[string]struct {
		user   func(*mockoidc.MockUser)
		config func(*federation.Provider)
		before func(*testing.T, *site)
		want   string
	}{
		"nobody invited them":                           {nil, nil, nil, "Nobody has invited you"},
		"their address is not verified, though invited": {func(u *mockoidc.MockUser) { u.EmailVerified = false }, nil, invitesGrace, "Verify it there"},
		"they have no address":                          {func(u *mockoidc.MockUser) { u.Email = "" }, nil, invitesGrace, "Verify it there"},
		"somebody has that account already":             {func(u *mockoidc.MockUser) { u.Email = email }, nil, nil, "Sign in to it as before"},
		"somebody has that account, in capitals":        {func(u *mockoidc.MockUser) { u.Email = strings.ToUpper(email) }, nil, nil, "Sign in to it as before"},
		"uninvited and unverified, where all may come":  {func(u *mockoidc.MockUser) { u.EmailVerified = false }, func(p *federation.Provider) { p.Groups = []string{"viewer"} }, nil, "Verify it there"},
		"of another domain":                             {nil, func(p *federation.Provider) { p.EmailDomains = []string{"corp.example"} }, invitesGrace, "corp.example"},
		"of a domain that ends alike":                   {func(u *mockoidc.MockUser) { u.Email = "x@evil-example.com" }, func(p *federation.Provider) { p.EmailDomains = []string{"example.com"} }, invitesGrace, "example.com"},
		"with two @":                                    {func(u *mockoidc.MockUser) { u.Email = "x@evil.example@example.com" }, func(p *federation.Provider) { p.EmailDomains = []string{"example.com"} }, invitesGrace, "example.com"},
		"the invitation has expired": {nil, nil, func(t *testing.T, s *site) {
			invitesGrace(t, s)
			s.clock.Time = s.clock.Add(inviteLife)
			mockoidc.NowFunc = s.clock.now
			t.Cleanup(func() { mockoidc.NowFunc = func() time.Time { return longAgo } })
		}, "expired"},
		"disabled": {nil, nil, func(t *testing.T, s *site) {
			if err := s.Disable(t.Context(), s.invite(t, grace).ID); err != nil {
				t.Fatal(err)
			}
		}, "disabled"},
		"of a workspace that the provider is not for": {nil, func(p *federation.Provider) { p.Tenant = "acme" }, func(t *testing.T, s *site) { s.invite(t, grace, "tenant:other", "viewer") }, "workspace"},
		"of another workspace than that it gives groups in": {nil, func(p *federation.Provider) {
			p.GroupsClaim, p.GroupsOf = "groups", federation.GroupsTable{"staff": "owner"}
		}, func(t *testing.T, s *site) { s.invite(t, grace, "tenant:other", "viewer") }, "workspace"},
	} {
		t.Run(claim, func(t *testing.T) {
			s, f := withForeign(t, func(p *federation.Provider) {
				if c.config != nil {
					c.config(p)
				}
			})
			if c.before != nil {
				c.before(t, s)
			}
			f.knows(c.user)
			wantTold(t, newBrowser().visit(t, s.client()), http.StatusUnauthorized, c.want)
		})
	}
}

func invitesGrace(t *testing.T, s *site) { s.invite(t, grace, "viewer") }

func TestAProviderMayAdmitPeopleWhomNobodyInvited(t *testing.T) {
	s, f := withForeign(t, func(p *federation.Provider) { p.Groups, p.Tenant = []string{"viewer"}, "acme" })
	f.knows(nil)
	if newBrowser().visit(t, s.client()).query().Get("code") == "" {
		t.Fatal("not signed in")
	}
	made, err := s.Find(t.Context(), grace)
	if diff := cmp.Diff([]string{"tenant:acme", "viewer"}, made.Groups); err != nil || diff != "" {
		t.Errorf("%v, groups -want +got:\n%s", err, diff)
	}
}

func TestTheProvidersGroupsAreGivenAndTakenAtEachSignIn(t *testing.T) {
	s, f := withForeign(t, func(p *federation.Provider) {
		p.GroupsClaim, p.GroupsOf = "groups", federation.GroupsTable{"staff": "editor", "boss": "admin", "chief": "admin"}
	})
	s.invite(t, grace, "emea", "viewer")
	for _, step := range []struct{ theirs, want []string }{
		{[]string{"staff"}, []string{"emea", "viewer", "editor"}},
		{[]string{"chief", "staff", "unknown"}, []string{"emea", "viewer", "editor", "admin"}},
		{[]string{"owner"}, []string{"emea", "viewer"}},
		{nil, []string{"emea", "viewer"}},
	} {
		f.knows(func(u *mockoidc.MockUser) { u.Groups = step.theirs })
		c := s.client()
		got := c.redeem(t, newBrowser().visit(t, c).query().Get("code"))
		claims, err := s.issuer.verify(got.Access)
		if diff := cmp.Diff(step.want, claims.Groups); err != nil || diff != "" {
			t.Errorf("%v gives %v, -want +got:\n%s", step.theirs, err, diff)
		}
	}
}

func TestAnIssuerMayTellTheAddressAndTheGroupsApart(t *testing.T) {
	for claim, c := range map[string]struct {
		info func(map[string]any)
		in   bool
	}{
		"it tells them":                     {func(told map[string]any) { told["email_verified"] = "true" }, true},
		"it tells of an unverified address": {func(told map[string]any) { told["email_verified"] = false }, false},
		"it tells of no verification":       {nil, false},
		"it tells of somebody else":         {func(told map[string]any) { told["email_verified"], told["sub"] = true, "43" }, false},
	} {
		t.Run(claim, func(t *testing.T) {
			s, f := withForeign(t, func(p *federation.Provider) {
				p.GroupsClaim, p.GroupsOf = "groups", federation.GroupsTable{"staff": "editor"}
			})
			s.invite(t, grace)
			f.claims = func(c map[string]any) {
				for _, name := range []string{"email", "email_verified", "groups"} {
					delete(c, name)
				}
			}
			f.info = c.info
			f.knows(nil)
			got := newBrowser().visit(t, s.client())
			if in := got.query().Get("code") != ""; in != c.in {
				t.Fatalf("signed in: %v, %s %q", in, got.Status, alert(got))
			}
			user, err := s.Find(t.Context(), grace)
			if is := slices.Contains(user.Groups, "editor"); err != nil || is != c.in {
				t.Errorf("groups %v, %v", user.Groups, err)
			}
		})
	}
}

func TestWhoIsRefusedKeepsTheirInvitation(t *testing.T) {
	s, f := withForeign(t)
	user, oneTime, err := s.Invite(t.Context(), grace, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Disable(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	f.knows(nil)
	wantTold(t, newBrowser().visit(t, s.client()), http.StatusUnauthorized, "disabled")
	if err := s.Enable(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	got := must(newBrowser().fillIn(t.Context(), s.client().page(), grace, oneTime, "new_password", "Another-horse-7"))
	if got.query().Get("code") == "" {
		t.Errorf("the one-time password is gone: %s %s", got.Status, alert(got))
	}
}

func TestAForgottenPersonIsNobodyAgain(t *testing.T) {
	s, f := withForeign(t)
	invited := s.invite(t, grace)
	f.knows(nil)
	if newBrowser().visit(t, s.client()).query().Get("code") == "" {
		t.Fatal("not signed in")
	}
	if err := s.Delete(t.Context(), invited.ID); err != nil {
		t.Fatal(err)
	}
	f.knows(nil)
	wantTold(t, newBrowser().visit(t, s.client()), http.StatusUnauthorized, "Nobody has invited you")
}
