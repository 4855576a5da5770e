package people_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func newPeople() people.People {
	now := func() time.Time { return noon }
	return people.People{Directory: &fake.Directory{}, Standings: access.People{Table: &fake.Table{Now: now}, Now: now}}
}

func caller(t tenant.ID, role access.Role) access.Principal {
	return access.Principal{Tenant: t, ID: "key:1", Role: role}
}

func invite(t *testing.T, p people.People, by access.Principal, email string, groups ...string) people.Person {
	t.Helper()
	person, _, err := p.Invite(t.Context(), by, people.Invitation{Email: email, Groups: groups})
	if err != nil {
		t.Fatal(err)
	}
	return person
}

// changes are all that can be done to a person.
func changes(p people.People, by access.Principal, id string) map[string]func(*testing.T) error {
	of := func(c people.Change) func(*testing.T) error {
		return func(t *testing.T) error { _, err := p.Change(t.Context(), by, id, c); return err }
	}
	yes, none := true, []string{}
	return map[string]func(*testing.T) error{
		"nothing": of(people.Change{}), "attributes": of(people.Change{Attributes: &map[string][]string{"a": {"b"}}}),
		"groups": of(people.Change{Groups: &none}), "disabled": of(people.Change{Disabled: &yes}),
		"sign out": func(t *testing.T) error { return p.SignOut(t.Context(), by, id) },
		"reset":    func(t *testing.T) error { _, err := p.Reset(t.Context(), by, id); return err },
		"remove":   func(t *testing.T) error { return p.Remove(t.Context(), by, id) },
	}
}

func TestAPersonOfAnotherTenantIsOneThatIsNotThere(t *testing.T) {
	p := newPeople()
	foreign := invite(t, p, caller("acme", access.Owner), "ada@example.com", "viewer")
	me := caller("main", access.Owner)
	absent := changes(p, me, "u999999999")
	for what, change := range changes(p, me, foreign.ID) {
		got, want := change(t), absent[what](t)
		if !fault.Is(got, fault.NotFound) || got.Error() != want.Error() {
			t.Errorf("%s: %v, and of an absent person %v", what, got, want)
		}
	}
	if all, _, err := p.List(t.Context(), "main", "", 60); err != nil || len(all) != 0 {
		t.Errorf("listed %+v, %v", all, err)
	}
	all, _, err := p.List(t.Context(), "acme", "", 60)
	if diff := cmp.Diff([]people.Person{foreign}, all); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestNobodyChangesWhoHasAHigherRole(t *testing.T) {
	p := newPeople()
	owner := invite(t, p, caller("main", access.Owner), "ada@example.com", "owner", "staff")
	for what, change := range changes(p, caller("main", access.Admin), owner.ID) {
		if err := change(t); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v, want Denied", what, err)
		}
	}
	viewer := invite(t, p, caller("main", access.Admin), "bob@example.com", "viewer")
	if _, err := p.Change(t.Context(), caller("main", access.Admin), viewer.ID, people.Change{Groups: &[]string{"owner"}}); !fault.Is(err, fault.Denied) {
		t.Errorf("an admin makes an owner: %v", err)
	}
	if _, _, err := p.Invite(t.Context(), caller("main", access.Admin), people.Invitation{Email: "eve@example.com", Groups: []string{"staff", "owner"}}); !fault.Is(err, fault.Denied) {
		t.Errorf("an admin invites an owner: %v", err)
	}
}

func TestNobodyLocksThemselvesOut(t *testing.T) {
	p := newPeople()
	me := invite(t, p, caller("main", access.Owner), "ada@example.com", "owner")
	as := access.Principal{Tenant: "main", ID: "user:" + me.ID, Role: access.Owner}
	of := changes(p, as, me.ID)
	for _, what := range []string{"groups", "disabled", "reset", "remove"} {
		if err := of[what](t); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", what, err)
		}
	}
	for _, what := range []string{"attributes", "sign out"} {
		if err := of[what](t); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhatIsNoGroupIsRefused(t *testing.T) {
	p, owner := newPeople(), caller("main", access.Owner)
	for _, group := range []string{"", " ", "two words", "tenant:acme", "a\x00", "tab\t", string(make([]byte, 101))} {
		if _, _, err := p.Invite(t.Context(), owner, people.Invitation{Email: "ada@example.com", Groups: []string{group}}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", group, err)
		}
	}
}

func TestAChangeIsStoredAndEndsOldTokens(t *testing.T) {
	p, owner := newPeople(), caller("acme", access.Owner)
	was := invite(t, p, owner, "ada@example.com", "viewer")
	disabled, enabled := true, false
	got, err := p.Change(t.Context(), owner, was.ID, people.Change{Groups: &[]string{"editor", "ch"}, Attributes: &map[string][]string{"country": {"CH"}}, Disabled: &disabled})
	want := people.Person{ID: was.ID, Email: was.Email, Role: access.Editor, Groups: []string{"ch", "editor"}, Attributes: map[string][]string{"country": {"CH"}}, Disabled: true}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	s, err := p.Standings.Standing(t.Context(), "acme", was.ID)
	if err != nil || !s.Disabled || !s.Since.Equal(noon) {
		t.Errorf("%+v, %v", s, err)
	}
	if got, err = p.Change(t.Context(), owner, was.ID, people.Change{Disabled: &enabled}); err != nil || got.Disabled || got.Role != access.Editor {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAResetEndsOldTokens(t *testing.T) {
	p, admin := newPeople(), caller("acme", access.Admin)
	was := invite(t, p, admin, "ada@example.com", "viewer")
	password, err := p.Reset(t.Context(), admin, was.ID)
	if err != nil || password == "" {
		t.Fatalf("%q, %v", password, err)
	}
	if s, err := p.Standings.Standing(t.Context(), "acme", was.ID); err != nil || !s.Since.Equal(noon) {
		t.Errorf("%+v, %v", s, err)
	}
}
