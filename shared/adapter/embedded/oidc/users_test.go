package oidc

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
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
			err := s.users.change(t.Context(), s.user.ID, func(u *identity.User) { u.Groups = append(u.Groups, fmt.Sprint(i)) })
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
