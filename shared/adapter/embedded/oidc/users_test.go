package oidc

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

func TestCreateRefuses(t *testing.T) {
	s := newSite(t)
	for claim, c := range map[string]struct {
		email, password string
		want            fault.Kind
	}{
		"an address that is none":              {"ada", password, fault.Invalid},
		"an address with a name":               {"Ada <ada@example.org>", password, fault.Invalid},
		"two addresses":                        {"a@example.org, b@example.org", password, fault.Invalid},
		"an endless address":                   {strings.Repeat("a", 250) + "@example.org", password, fault.Invalid},
		"no password":                          {"new@example.org", "", fault.Invalid},
		"a short password":                     {"new@example.org", "ninechars", fault.Invalid},
		"a short password of long letters":     {"new@example.org", "äöüäöüäöü", fault.Invalid},
		"an endless password":                  {"new@example.org", strings.Repeat("p", maxPassword+1), fault.Invalid},
		"the address as password":              {"new@example.org", "NEW@example.org", fault.Invalid},
		"an address taken in another spelling": {strings.ToUpper(email), password, fault.Conflict},
	} {
		t.Run(claim, func(t *testing.T) {
			if user, err := s.Create(t.Context(), c.email, c.password, nil); !fault.Is(err, c.want) {
				t.Errorf("got %+v, %v, want %v", user, err, c.want)
			}
		})
	}
}

func TestTwoHashesOfAPasswordDiffer(t *testing.T) {
	s := newSite(t)
	a, errA := s.users.hashPassword(t.Context(), password)
	b, errB := s.users.hashPassword(t.Context(), password)
	if errA != nil || errB != nil || slices.Equal(a.Hash, b.Hash) {
		t.Errorf("%x and %x, %v, %v", a.Hash, b.Hash, errA, errB)
	}
}

func TestAPasswordHashedAtAnOlderCostStillMatches(t *testing.T) {
	s := newSite(t)
	old := passwordHash{Memory: 64, Passes: 1, Salt: []byte("salt of old days")}
	var err error
	if old.Hash, err = s.users.derive(t.Context(), old, password); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.users.matches(t.Context(), old, password); !ok || err != nil {
		t.Errorf("matches = %v, %v", ok, err)
	}
	if ok, err := s.users.matches(t.Context(), old, password+"x"); ok || err != nil {
		t.Errorf("another password: matches = %v, %v", ok, err)
	}
}

func TestChangesAtOnceAreAllKept(t *testing.T) {
	s := newSite(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			err := s.users.change(t.Context(), s.user.ID, func(a *account) { a.User.Groups = append(a.User.Groups, fmt.Sprint(i)) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := s.Find(t.Context(), email)
	if err != nil || len(got.Groups) != 5 {
		t.Errorf("groups %v, %v, want 5", got.Groups, err)
	}
}

func TestPasswordsAreHashedAtTheAdvisedCost(t *testing.T) {
	s := &site{table: &memory{}, clock: &clock{longAgo}}
	s.open(t)
	user, err := s.Create(t.Context(), email, password, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.users.get(t.Context(), user.ID)
	if err != nil || a.Password.Memory < 19<<10 || a.Password.Passes < 2 || len(a.Password.Salt) != 16 {
		t.Errorf("hashed at %+v, %v", a.Password, err)
	}
}

func TestAnInvitationEndsAfterAWeek(t *testing.T) {
	s := newSite(t)
	user, oneTime, err := s.Invite(t.Context(), "new@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{inviteLife - 1, http.StatusUnprocessableEntity}, {inviteLife, http.StatusUnauthorized}} {
		s.clock.Time = longAgo.Add(c.after)
		got, err := newBrowser().fillIn(t.Context(), s.client().page(), user.Email, oneTime)
		if err != nil || got.StatusCode != c.want {
			t.Errorf("after %s: %s, %v, want %d", c.after, got.Status, err, c.want)
		}
	}
}

func TestAnInvitedPersonCannotKeepTheOneTimePassword(t *testing.T) {
	s := newSite(t)
	user, oneTime, err := s.Invite(t.Context(), "new@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	for claim, chosen := range map[string]string{"none": "", "a weak one": "short", "the same": oneTime, "the address": user.Email} {
		got, err := newBrowser().fillIn(t.Context(), s.client().page(), user.Email, oneTime, "new_password", chosen)
		if err != nil || got.StatusCode != http.StatusUnprocessableEntity || len(got.Cookies()) != 0 || !strings.Contains(got.body, `name="new_password"`) {
			t.Errorf("%s: %s, %v, want the page again", claim, got.Status, err)
		}
	}
}

func TestSigningOutEverywhereEndsEverySession(t *testing.T) {
	s := newSite(t)
	browser, tokens := s.inSession(t), s.signedIn(t)
	if err := s.SignOut(t.Context(), s.user.ID); err != nil {
		t.Fatal(err)
	}
	if got := browser.get(t, s.client().page()); !strings.Contains(got.body, "<form") {
		t.Errorf("a browser is signed in still: %s", got.Status)
	}
	wantRefused(t, s.refresh(t, tokens.Refresh))
	if got := newBrowser().get(t, s.url+"/oidc/userinfo", "Authorization", "Bearer "+tokens.Access); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo: %s", got.Status)
	}
	s.clock.Time = s.clock.Add(time.Second)
	if got := s.signedIn(t); got.Access == "" {
		t.Error("who was signed out cannot sign in again")
	}
}
