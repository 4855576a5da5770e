package access

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
)

// newcomers is a verifier, and the people whose tokens it verifies.
func newcomers() (*Tokens, People, *memory, *clock) {
	mem, clk := &memory{}, &clock{noon}
	people := People{Table: mem, Now: clk.now}
	source := func(context.Context) (jose.JSONWebKeySet, error) { return published(), nil }
	return NewTokens(issuer, source, people), people, mem, clk
}

func tokenOf(issued time.Time) string {
	return sign(jose.RS256, "rsa", rsaKey(), accessClaims(object{"iat": issued.Unix(), "exp": noon.Add(24 * time.Hour).Unix()}))
}

func TestAttributesOfAPersonComeWithTheToken(t *testing.T) {
	tokens, people, mem, clk := newcomers()
	for range 3 {
		if got, err := tokens.Identify(t.Context(), tokenOf(noon)); err != nil || got.Attributes != nil {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := mem.reads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	want := map[string][]string{"country": {"CH", "DE"}}
	if _, err := people.Change(t.Context(), "main", "u1", func(s *Standing) { s.Attributes = want }); err != nil {
		t.Fatal(err)
	}
	clk.Time = clk.Add(KeyMemory)
	got, err := tokens.Identify(t.Context(), tokenOf(noon))
	if diff := cmp.Diff(want, got.Attributes); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if other, err := people.Standing(t.Context(), "acme", "u1"); err != nil || other.Attributes != nil {
		t.Errorf("another tenant has %+v, %v", other, err)
	}
}

func TestWhichTokensOfAPersonAreAccepted(t *testing.T) {
	for claim, c := range map[string]struct {
		change func(*Standing)
		issued time.Time
		want   bool
	}{
		"one of a person nothing is stored of":        {func(*Standing) {}, noon, true},
		"one from before the person signed out":       {func(s *Standing) { s.Since = noon }, noon.Add(-time.Second), false},
		"one of the second in which the person did":   {func(s *Standing) { s.Since = noon.Add(time.Millisecond) }, noon, false},
		"one from after that":                         {func(s *Standing) { s.Since = noon.Add(time.Millisecond) }, noon.Add(time.Second), true},
		"one of a disabled person":                    {func(s *Standing) { s.Disabled = true }, noon, false},
		"one that does not say when, of whom it asks": {func(s *Standing) { s.Since = noon.Add(-time.Hour) }, time.Unix(0, 0), false},
	} {
		t.Run(claim, func(t *testing.T) {
			tokens, people, _, clk := newcomers()
			clk.Time = noon.Add(time.Minute)
			if _, err := people.Change(t.Context(), "main", "u1", c.change); err != nil {
				t.Fatal(err)
			}
			accepts(t, tokens, tokenOf(c.issued), c.want)
		})
	}
}

func TestTokensOfARemovedPersonAreRefusedAsLongAsTheyLive(t *testing.T) {
	tokens, people, _, clk := newcomers()
	if err := people.Remove(t.Context(), "main", "u1"); err != nil {
		t.Fatal(err)
	}
	clk.Time = noon.Add(longestToken - time.Second)
	accepts(t, tokens, tokenOf(clk.Time), false)
}

func TestWhereTheStandingCannotBeReadNobodyIsLetIn(t *testing.T) {
	tokens, _, mem, _ := newcomers()
	mem.down = fault.New(fault.Unavailable, "down", "down").Because(errors.New("down"))
	if got, err := tokens.Identify(t.Context(), tokenOf(noon)); !fault.Is(err, fault.Unavailable) || !got.IsNobody() {
		t.Errorf("%+v, %v, want nobody and Unavailable", got, err)
	}
}

func TestChangesOfAPersonAtOnceAreAllKept(t *testing.T) {
	_, people, _, _ := newcomers()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := people.Change(t.Context(), "main", "u1", func(s *Standing) {
				s.Attributes = map[string][]string{"n": append(s.Attributes["n"], "x")}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, err := people.Standing(t.Context(), "main", "u1"); err != nil || len(got.Attributes["n"]) != 4 {
		t.Errorf("%+v, %v, want 4 changes", got, err)
	}
}

func TestGroupsOfATenantAreReadAsTheyAreWritten(t *testing.T) {
	for claim, c := range map[string]struct {
		groups []string
		want   Membership
	}{
		"in the default tenant": {GroupsOf("main", []string{"viewer", "ch"}), Membership{"main", Viewer, []string{"ch"}}},
		"in another":            {GroupsOf("acme", []string{"ch", "editor", "viewer"}), Membership{"acme", Editor, []string{"ch"}}},
		"without a role":        {GroupsOf("acme", nil), Membership{"acme", "", nil}},
	} {
		got, err := MembershipOf(c.groups)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", claim, err, diff)
		}
	}
}
