// Package identitytest holds the promises that every identity.Directory keeps,
// and those that the OpenID Connect provider in front of it keeps. Each test makes
// people of its own, so that all of them can share one directory with each other
// and with earlier runs.
package identitytest

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// Setup is one implementation, ready to be tested.
type Setup struct {
	Directory identity.Directory

	// SignIn does what a person does in a browser: opens the page, gives the
	// e-mail address and the password, and returns the address that the provider
	// then sends the browser to, or an error when it refuses. Without it, the
	// tests of the provider are skipped.
	SignIn func(ctx context.Context, page *url.URL, email, password string) (*url.URL, error)

	// Choose is SignIn of an invited person, who chooses a password. Without it, the
	// tests of invitations are skipped.
	Choose func(ctx context.Context, page *url.URL, email, oneTime, password string) (*url.URL, error)

	// BeginFactor has an account ask for a second factor beside its password.
	// Without it, the test of its end is skipped.
	BeginFactor func(ctx context.Context, user identity.User) error

	Redirect string       // where the client may be sent back to
	Client   *http.Client // reaches the provider; nil: http.DefaultClient

	// Skip says, by the claim of a test, why it cannot be shown here: what an
	// emulator lacks, never what the implementation does.
	Skip map[string]string
}

// Run tests the implementation that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Setup) {
	run := func(group map[string]func(*testing.T, Setup), needsSignIn bool) {
		for claim, test := range group {
			t.Run(claim, func(t *testing.T) {
				s := open(t)
				if reason := s.Skip[claim]; reason != "" {
					t.Skip(reason)
				}
				if needsSignIn && s.SignIn == nil {
					t.Skip("this setup cannot sign anybody in")
				}
				if s.Client == nil {
					s.Client = http.DefaultClient
				}
				test(t, s)
			})
		}
	}
	run(directory, false)
	run(provider, true)
	run(invitations, true)
	run(resets, false)
	run(resetSignIns, true)
}

// The groups that a test may name; an implementation may need to make them first.
const (
	groupViewer = "viewer"
	groupEditor = "editor"
	groupTenant = "tenant:acme"
)

const password = "Correct-horse-9-battery"

var directory = map[string]func(*testing.T, Setup){
	"a created user is found by address": func(t *testing.T, s Setup) {
		want := s.create(t, groupTenant, groupViewer)
		if want.ID == "" || want.Disabled {
			t.Errorf("created %+v, want an id and no disabled user", want)
		}
		same(t, s.find(t, want.Email), want)
	},
	"a user may be in no group": func(t *testing.T, s Setup) {
		want := s.create(t)
		if got := s.find(t, want.Email); len(got.Groups) != 0 {
			t.Errorf("groups %v, want none", got.Groups)
		}
	},
	"a taken address is Conflict": func(t *testing.T, s Setup) {
		user := s.create(t)
		_, err := s.Directory.Create(t.Context(), user.Email, password, nil)
		wantKind(t, err, fault.Conflict)
		same(t, s.find(t, user.Email), user)
	},
	"a weak password is Invalid, and makes no user": func(t *testing.T, s Setup) {
		email := address()
		_, err := s.Directory.Create(t.Context(), email, "short", nil)
		wantKind(t, err, fault.Invalid)
		_, err = s.Directory.Find(t.Context(), email)
		wantKind(t, err, fault.NotFound)
	},
	"a user is found by id, and by nothing else": func(t *testing.T, s Setup) {
		want := s.create(t, groupViewer)
		got, err := s.Directory.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
		for _, id := range []string{want.Email, "0123456789abcdef0123456789abcdef"} {
			_, err := s.Directory.Get(t.Context(), id)
			wantKind(t, err, fault.NotFound)
		}
	},
	"an invited user is a user like others": func(t *testing.T, s Setup) {
		want, password := s.invite(t, groupTenant, groupViewer)
		if password == "" {
			t.Error("no password")
		}
		same(t, s.find(t, want.Email), want)
		_, _, err := s.Directory.Invite(t.Context(), want.Email, nil)
		wantKind(t, err, fault.Conflict)
	},
	"signing out an unknown user is NotFound": func(t *testing.T, s Setup) {
		gone := s.create(t)
		if err := s.Directory.Delete(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		wantKind(t, s.Directory.SignOut(t.Context(), gone.ID), fault.NotFound)
	},
	"an unknown address is NotFound": func(t *testing.T, s Setup) {
		_, err := s.Directory.Find(t.Context(), address())
		wantKind(t, err, fault.NotFound)
	},
	"List pages through every user once": func(t *testing.T, s Setup) {
		want := map[string]bool{}
		for range 3 {
			want[s.create(t).ID] = true
		}
		seen := map[string]int{}
		for next, first := "", true; first || next != ""; first = false {
			users, more, err := s.Directory.List(t.Context(), next, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(users) > 2 {
				t.Errorf("a page of %d users, want at most 2", len(users))
			}
			for _, u := range users {
				seen[u.ID]++
			}
			next = more
		}
		for id := range want {
			if seen[id] != 1 {
				t.Errorf("user %s was listed %d times, want once", id, seen[id])
			}
		}
	},
	"a listed user is whole": func(t *testing.T, s Setup) {
		want := s.create(t, groupEditor)
		for next, first := "", true; first || next != ""; first = false {
			users, more, err := s.Directory.List(t.Context(), next, 50)
			if err != nil {
				t.Fatal(err)
			}
			if i := slices.IndexFunc(users, func(u identity.User) bool { return u.ID == want.ID }); i >= 0 {
				same(t, users[i], want)
				return
			}
			next = more
		}
		t.Error("the user was not listed")
	},
	"SetGroups replaces the groups": func(t *testing.T, s Setup) {
		user := s.create(t, groupViewer, groupTenant)
		if err := s.Directory.SetGroups(t.Context(), user.ID, []string{groupEditor, groupTenant}); err != nil {
			t.Fatal(err)
		}
		user.Groups = []string{groupEditor, groupTenant}
		same(t, s.find(t, user.Email), user)
	},
	"Disable and Enable are undone by each other": func(t *testing.T, s Setup) {
		user := s.create(t)
		for _, disabled := range []bool{true, true, false, false} {
			change := s.Directory.Enable
			if disabled {
				change = s.Directory.Disable
			}
			if err := change(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
			if got := s.find(t, user.Email).Disabled; got != disabled {
				t.Errorf("Disabled = %v, want %v", got, disabled)
			}
		}
	},
	"an unknown user cannot be changed": func(t *testing.T, s Setup) {
		gone := s.create(t)
		if err := s.Directory.Delete(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		wantKind(t, s.Directory.SetGroups(t.Context(), gone.ID, []string{groupViewer}), fault.NotFound)
		wantKind(t, s.Directory.Disable(t.Context(), gone.ID), fault.NotFound)
		wantKind(t, s.Directory.Enable(t.Context(), gone.ID), fault.NotFound)
	},
	"a deleted user is gone, and may be deleted again": func(t *testing.T, s Setup) {
		user := s.create(t)
		for range 2 {
			if err := s.Directory.Delete(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Directory.Find(t.Context(), user.Email)
		wantKind(t, err, fault.NotFound)
	},
	"the address of a deleted user is free, for somebody else": func(t *testing.T, s Setup) {
		old := s.create(t)
		if err := s.Directory.Delete(t.Context(), old.ID); err != nil {
			t.Fatal(err)
		}
		again, err := s.Directory.Create(t.Context(), old.Email, password, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again.ID == old.ID {
			t.Error("the new user has the id of the old one")
		}
	},
	"the issuer says where to sign in": func(t *testing.T, s Setup) {
		issuer := s.issuer(t)
		for name, value := range map[string]string{
			"URL": issuer.URL, "ClientID": issuer.ClientID, "JWKS": issuer.JWKS,
			"Authorization": issuer.Authorization, "Token": issuer.Token,
		} {
			if value == "" {
				t.Errorf("%s is empty", name)
			}
		}
	},
}

// create makes a user and removes it when the test ends.
func (s Setup) create(t *testing.T, groups ...string) identity.User {
	t.Helper()
	user, err := s.Directory.Create(t.Context(), address(), password, groups)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	s.cleanUp(t, user)
	return user
}

// invite is create for who chooses a password later.
func (s Setup) invite(t *testing.T, groups ...string) (identity.User, string) {
	t.Helper()
	user, password, err := s.Directory.Invite(t.Context(), address(), groups)
	if err != nil {
		t.Fatalf("Invite: %v", err)
	}
	s.cleanUp(t, user)
	return user, password
}

func (s Setup) cleanUp(t *testing.T, user identity.User) {
	t.Cleanup(func() {
		if err := s.Directory.Delete(context.WithoutCancel(t.Context()), user.ID); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
}

func (s Setup) find(t *testing.T, email string) identity.User {
	t.Helper()
	user, err := s.Directory.Find(t.Context(), email)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	return user
}

func (s Setup) issuer(t *testing.T) identity.Issuer {
	t.Helper()
	issuer, err := s.Directory.Issuer(t.Context())
	if err != nil {
		t.Fatalf("Issuer: %v", err)
	}
	return issuer
}

func address() string { return strings.ToLower(rand.Text()) + "@example.com" }

// same compares users; the order of groups means nothing.
func same(t *testing.T, got, want identity.User) {
	t.Helper()
	got.Groups, want.Groups = slices.Sorted(slices.Values(got.Groups)), slices.Sorted(slices.Values(want.Groups))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
