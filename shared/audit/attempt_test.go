package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/tests/fake"
)

// attempts is a log whose clock the test moves, and what was told of attempts.
type attempts struct {
	*audit.Store
	t   *testing.T
	now time.Time
}

func newAttempts(t *testing.T) *attempts {
	a := &attempts{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	a.Store = audit.New(&fake.Table{}, func() time.Time { return a.now }, quiet)
	return a
}

func (a *attempts) by(who, from string) {
	a.t.Helper()
	e := audit.Event{Tenant: owner, By: who, Action: audit.SignIn, Outcome: "wrong_password", Payload: audit.Payload{From: from}}
	if err := a.Attempt(a.t.Context(), e); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attempts) told() (all []string) {
	a.t.Helper()
	err := a.Each(a.t.Context(), owner, 1, 10_000, func(r audit.Record) (bool, error) {
		all = append(all, fmt.Sprint(r.By, " ", max(1, r.Times), " ", string(r.Sent)))
		return true, nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return all
}

func TestAttemptsOfOneSourceAreOneEntryAMinuteWithTheirNumber(t *testing.T) {
	a := newAttempts(t)
	for range 5 {
		a.by("user:1", "203.0.113.7:4711")
		a.by("user:1", "203.0.113.7:4712") // another port
		a.by("user:2", "203.0.113.7:4711")
		a.by("user:1", "[2001:db8:1:2:3::4]:80")
		a.by("user:1", "[2001:db8:1:2:4::5]:80") // of the same customer
	}
	a.now = a.now.Add(time.Minute)
	a.by("user:1", "203.0.113.7:4711")
	want := []string{
		`user:1 1 {"from":"203.0.113.7"}`, `user:2 1 {"from":"203.0.113.7"}`, `user:1 1 {"from":"2001:db8:1:2::"}`, `user:1 10 {"from":"203.0.113.7"}`,
	}
	if diff := cmp.Diff(want, a.told()); diff != "" {
		t.Error(diff)
	}
}

func TestAFloodFromEverywhereDoesNotFillTheLog(t *testing.T) {
	a := newAttempts(t)
	const minutes, sources = 3, 15_000
	for range minutes {
		for i := range sources {
			a.by(audit.Nobody, fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		}
		a.now = a.now.Add(time.Minute)
	}
	if n := len(a.told()); n > minutes*(20+3) {
		t.Errorf("%d entries in %d minutes", n, minutes)
	}
	before := len(a.told())
	a.by("user:1", "203.0.113.7:4711")
	if told := a.told(); len(told) != before+1 || told[before] != `user:1 1 {"from":"203.0.113.7"}` {
		t.Errorf("what is aimed at one account is hidden: %q", told[before:])
	}
}

func TestSourcesPastTheLimitAreCountedTogether(t *testing.T) {
	a := newAttempts(t)
	for range 2 {
		for i := range 100 {
			a.by(audit.Nobody, fmt.Sprintf("10.0.0.%d:1", i))
		}
	}
	a.now = a.now.Add(time.Minute)
	for i := range 100 { // those that were told of in the last minute are told of first
		a.by(audit.Nobody, fmt.Sprintf("10.0.0.%d:1", i))
	}
	told := a.told()
	if len(told) != 2*21 || told[20] != `nobody 1 {"from":"elsewhere"}` || told[21] != `nobody 2 {"from":"10.0.0.0"}` {
		t.Fatalf("%d entries: %q", len(told), told)
	}
}
