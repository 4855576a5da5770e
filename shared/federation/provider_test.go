package federation

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAProviderThatCannotBeMeantIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                              "cannot unmarshal",
		`[{"nmae": "x"}]`:                 "nmae",
		`[{"name": ""}]`:                  "name",
		`[{"name": "A/../b"}]`:            "name",
		`[{"name": "-"}]`:                 "name",
		`[{"name": "x"}]`:                 "issuer",
		`[{"name": "x", "kind": "ldap"}]`: "kind",
		`[{"name": "x", "issuer": "http://id.example", "client_id": "c"}]`:                                                                   "not HTTPS",
		`[{"name": "x", "issuer": "https://u:p@id.example", "client_id": "c"}]`:                                                              "no URL",
		`[{"name": "x", "issuer": "https://id.example"}]`:                                                                                    "client_id",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "scopes": ["email"]}]`:                                             "openid",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "trust_email": true}]`:                                             "email_domains",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "email_domains": ["@a.example"]}]`:                                 "email_domains",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "groups_of": {"a": "viewer"}}]`:                                    "groups_claim",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "groups_claim": "g", "groups_of": {"a": "tenant:x"}}]`:             "no name of a group",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "groups": ["a b"]}]`:                                               "no name of a group",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c", "tenant": "A B"}]`:                                                 "tenant",
		`[{"name": "x", "kind": "saml", "metadata": "http://id.example"}]`:                                                                   "not HTTPS",
		`[{"name": "x", "kind": "saml", "metadata": "https://id.example"}]`:                                                                  "trust_email",
		`[{"name": "x", "issuer": "https://id.example", "client_id": "c"}, {"name": "x", "issuer": "https://id.example", "client_id": "c"}]`: "two providers",
	} {
		if got, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want an error about %q", text, got, err, want)
		}
	}
}

func TestWhatAProviderIsWhereNothingIsSaid(t *testing.T) {
	got, err := Parse([]byte(`[{"name": "x", "issuer": "http://localhost:9", "client_id": "c", "email_domains": ["Acme.Example"]}]`))
	want := []Provider{{Name: "x", Kind: OIDC, Issuer: "http://localhost:9", ClientID: "c",
		Scopes: []string{"openid", "email", "profile"}, Rules: Rules{EmailDomains: []string{"acme.example"}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

func TestAProviderGivesAndTakesTheGroupsItRulesOverAndNoOthers(t *testing.T) {
	names := []string{"owner", "admin", "viewer", "emea", "tenant:acme"}
	theirs := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		p := Provider{Rules: Rules{GroupsOf: rapid.MapOf(rapid.SampledFrom(theirs), rapid.SampledFrom(names[:4])).Draw(t, "table")}}
		had := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "had")
		who := Person{Groups: rapid.SliceOf(rapid.SampledFrom(append(slices.Clone(theirs), names...))).Draw(t, "theirs")}
		got := p.mapped(had, who)
		for _, group := range names {
			ruled, given := false, false
			for their, our := range p.GroupsOf {
				ruled = ruled || our == group
				given = given || our == group && slices.Contains(who.Groups, their)
			}
			want := given || !ruled && slices.Contains(had, group)
			if n := countOf(got, group); n > 1 || (n == 1) != want {
				t.Fatalf("%s is there %d times, want it: %v", group, n, want)
			}
		}
		if again := p.mapped(got, who); !slices.Equal(again, got) {
			t.Fatalf("mapped again: %v, then %v", got, again)
		}
	})
}

func countOf(all []string, one string) (n int) {
	for _, v := range all {
		if v == one {
			n++
		}
	}
	return n
}
