package signins

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/federation"
)

// byCorp is Grace, linked with her company's provider, which says that she is in groups.
func byCorp(groups string) attributes {
	return attributes{"identities": `[{"userId":"grace","providerName":"Corp","providerType":"SAML","issuer":"https://id.example.com","primary":"false","dateCreated":"1763820000000"}]`,
		"custom:asserted_subject": "", "custom:asserted_verified": "", "custom:asserted_groups": groups}
}

func groupsIn(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	var e struct {
		Response struct {
			Claims struct {
				Groups struct {
					GroupsToOverride []string `json:"groupsToOverride"`
				} `json:"groupOverrideDetails"`
			} `json:"claimsAndScopeOverrideDetails"`
		} `json:"response"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e.Response.Claims.Groups.GroupsToOverride
}

func TestTheProvidersGroupsAreInTheTokenAndInThePool(t *testing.T) {
	for theirs, want := range map[string][]string{
		"[bi-admins, BI+Users, chess]": {"emea", "viewer", "admin", "analyst"},
		"bi-admins":                    {"emea", "viewer", "admin"},
		`["BI Users"]`:                 {"emea", "viewer", "analyst"},
		"[BI Users]":                   {"emea", "viewer", "analyst"},
		`["chess, bi-admins"]`:         nil,
		"[chess%2C+bi-admins]":         nil,
		"chess, bi-admins":             nil,
		"BI-Admins":                    nil,
		"admin":                        nil,
		"[owner,admin]":                nil,
		"[]":                           nil,
		"":                             nil,
	} {
		p := newPool()
		user := p.invite(t, "emea", "viewer")
		raw := sample(t, "tokens", "", byCorp(theirs))
		out, err := p.answers().Handle(t.Context(), raw)
		if err != nil {
			t.Errorf("%q: %v", theirs, err)
			continue
		}
		in := want
		if want == nil {
			in = []string{"emea", "viewer"}
		}
		now, err := p.Get(t.Context(), user.ID)
		if diff := cmp.Diff(want, groupsIn(t, out)); diff != "" {
			t.Errorf("%q, in the token -want +got:\n%s", theirs, diff)
		}
		if diff := cmp.Diff(in, now.Groups); err != nil || diff != "" {
			t.Errorf("%q, in the pool %v -want +got:\n%s", theirs, err, diff)
		}
	}
}

func TestGroupsThatTheProviderTakesAreGone(t *testing.T) {
	p := newPool()
	user := p.invite(t, "admin", "emea")
	raw := sample(t, "tokens", "", byCorp("chess"))
	raw = bytes.Replace(raw, []byte(`["emea","viewer"]`), []byte(`["admin","emea"]`), 1)
	out, err := p.answers().Handle(t.Context(), raw)
	if diff := cmp.Diff([]string{"emea"}, groupsIn(t, out)); err != nil || diff != "" {
		t.Errorf("%v, in the token -want +got:\n%s", err, diff)
	}
	if now, err := p.Get(t.Context(), user.ID); err != nil || !cmp.Equal(now.Groups, []string{"emea"}) {
		t.Errorf("in the pool %v, %v", now.Groups, err)
	}
}

func TestWhoGetsNoToken(t *testing.T) {
	twice := strings.Replace(byCorp("")["identities"], "[", `[{"userId":"1","providerName":"Google"},`, 1)
	for claim, c := range map[string]struct {
		attributes attributes
		want       string
	}{
		"whose address is of another domain by now": {attributes{"identities": byCorp("")["identities"], "custom:asserted_subject": "", "custom:asserted_email": "grace@evil.example"}, "wrong_domain"},
		"whose provider said nothing of them yet":   {attributes{"identities": byCorp("")["identities"], "custom:asserted_subject": "", "custom:asserted_email": ""}, "wrong_domain"},
		"who is linked twice":                       {attributes{"identities": twice, "custom:asserted_subject": ""}, "two_providers"},
		"whose provider is not set any more":        {attributes{"identities": `[{"userId":"1","providerName":"Gone"}]`, "custom:asserted_subject": ""}, "provider_unknown"},
		"whose provider is called alike":            {attributes{"identities": `[{"userId":"1","providerName":"google"}]`, "custom:asserted_subject": ""}, "provider_unknown"},
		"whose attributes are another's":            {attributes{"custom:asserted_subject": "42"}, "bad_answer"},
		"whose links cannot be read":                {attributes{"identities": "{}"}, "unavailable"},
	} {
		p := newPool()
		p.invite(t, "emea", "viewer")
		if out, err := p.answers().Handle(t.Context(), sample(t, "tokens", "", c.attributes)); out != nil || err == nil || !strings.HasPrefix(err.Error(), c.want+": ") {
			t.Errorf("%s: answered %s, %v, want %s", claim, out, err, c.want)
		}
	}
	p := newPool()
	p.fails = "SetGroups"
	if out, err := p.answers().Handle(t.Context(), sample(t, "tokens", "", byCorp("bi-admins"))); out != nil || err == nil {
		t.Errorf("groups that could not be stored: answered %s", out)
	}
}

func TestAWorkspaceThatTheProviderIsNotForGetsNoToken(t *testing.T) {
	raw := bytes.Replace(sample(t, "tokens", "", byCorp("bi-admins")), []byte(`["emea","viewer"]`), []byte(`["tenant:acme","viewer"]`), 1)
	if out, err := newPool().answers().Handle(t.Context(), raw); out != nil || err == nil || !strings.HasPrefix(err.Error(), "wrong_tenant") {
		t.Errorf("answered %s, %v", out, err)
	}
}

// TestNobodyGivesThemselvesGroups: who has a password alone may have written what they
// like into their attributes.
func TestNobodyGivesThemselvesGroups(t *testing.T) {
	for _, none := range []string{"", "[]"} {
		forged := byCorp("[bi-admins]")
		forged["identities"] = none
		raw := sample(t, "tokens", "", forged)
		if out, err := newPool().answers().Handle(t.Context(), raw); err != nil || !bytes.Equal(out, raw) {
			t.Errorf("answered %s, %v", out, err)
		}
	}
}

func TestRefreshingAsksTheSameRules(t *testing.T) {
	raw := bytes.Replace(sample(t, "tokens", "", byCorp("")), []byte("TokenGeneration_HostedAuth"), []byte("TokenGeneration_RefreshTokens"), 1)
	a := newPool().answers()
	if out, err := a.Handle(t.Context(), raw); err != nil || !bytes.Equal(out, raw) {
		t.Errorf("answered %s, %v", out, err)
	}
	a.Rules["Corp"] = federation.Rules{EmailDomains: []string{"example.org"}, TrustEmail: true}
	if out, err := a.Handle(t.Context(), raw); err == nil {
		t.Errorf("answered %s", out)
	}
}
