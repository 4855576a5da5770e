package federation

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// drawn is a provider, a person, and an account that has their address.
func drawn(t *rapid.T) (Provider, Person, Account) {
	some := func(label string, of ...string) []string {
		return rapid.SliceOfDistinct(rapid.SampledFrom(of), rapid.ID).Draw(t, label)
	}
	p := Provider{Name: "x", Rules: Rules{
		EmailDomains: some("domains", "example.com", "example.org"),
		TrustEmail:   rapid.Bool().Draw(t, "trust"),
		Groups:       some("entry", "viewer", "emea"),
		GroupsOf:     rapid.MapOf(rapid.SampledFrom([]string{"a", "b"}), rapid.SampledFrom([]string{"admin", "viewer"})).Draw(t, "table"),
	}}
	if rapid.Bool().Draw(t, "of a tenant") {
		p.Tenant = "acme"
	}
	who := Person{Issuer: "x", Subject: "1", Email: rapid.SampledFrom([]string{"", "g@example.com", "g@EXAMPLE.com", "g@evil.example"}).Draw(t, "address"),
		Verified: rapid.Bool().Draw(t, "verified"), Groups: some("theirs", "a", "b", "owner")}
	a := Account{Groups: some("groups", "owner", "viewer", "tenant:acme", "tenant:other"), Disabled: rapid.Bool().Draw(t, "disabled"),
		Waits: rapid.SampledFrom([]time.Time{{}, noon, noon.Add(time.Second)}).Draw(t, "waits")}
	return p, who, a
}

// TestNoRuleLetsInByAnAddressThatIsNotProven states what must hold whatever is set.
func TestNoRuleLetsInByAnAddressThatIsNotProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, who, a := drawn(t)
		proven := who.Email != "" && (who.Verified || p.TrustEmail)
		inside := len(p.EmailDomains) == 0 || proven && who.Email != "g@evil.example" && slices.Contains(p.EmailDomains, "example.com")
		if err := p.Claim(who, a, noon); err == nil && (!proven || !inside || a.Disabled || !noon.Before(a.Waits)) {
			t.Fatal("an account changed hands")
		}
		if groups, err := p.Enter(who); err == nil && (!proven || !inside || len(p.Groups) == 0) {
			t.Fatalf("an account in %v was made", groups)
		}
		if groups, err := p.Return(who, a); err == nil && (!inside || a.Disabled) {
			t.Fatalf("signed in, in %v", groups)
		}
	})
}

// TestAProviderThatGivesGroupsSpeaksForOneTenant looks at everybody whom a rule lets in.
func TestAProviderThatGivesGroupsSpeaksForOneTenant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, who, a := drawn(t)
		speaks := p.Tenant != "" || len(p.Groups)+len(p.GroupsOf) > 0
		was, wrong := access.MembershipOf(a.Groups)
		groups, err := p.Return(who, a)
		if claimed := p.Claim(who, a, noon); claimed == nil || err == nil {
			if wrong != nil || speaks && was.Tenant != p.tenant() {
				t.Fatalf("a person of %s got in: %v", was.Tenant, wrong)
			}
		}
		if err == nil {
			if is, err := access.MembershipOf(groups); err != nil || is.Tenant != was.Tenant {
				t.Fatalf("a person of %s is of %s now (%v)", was.Tenant, is.Tenant, err)
			}
		}
		if made, err := p.Enter(who); err == nil {
			if is, err := access.MembershipOf(made); err != nil || is.Tenant != p.tenant() {
				t.Fatalf("a person of %s was made (%v)", is.Tenant, err)
			}
		}
	})
}

func TestEveryRefusalIsADenial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, who, a := drawn(t)
		_, entering := p.Enter(who)
		_, returning := p.Return(who, a)
		for _, err := range []error{p.Claim(who, a, noon), entering, returning} {
			if known := (*fault.Error)(nil); err != nil && (!errors.As(err, &known) || known.Kind != fault.Denied) {
				t.Fatalf("%v", err)
			}
		}
	})
}
