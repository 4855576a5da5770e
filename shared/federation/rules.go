package federation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Rules say who of a provider's people gets in, and into which groups.
type Rules struct {
	EmailDomains []string    `json:"email_domains,omitempty"` // of the people who may sign in; empty: any
	TrustEmail   bool        `json:"trust_email,omitempty"`   // addresses in those domains are people's own, whether the provider says so or not
	Tenant       tenant.ID   `json:"tenant,omitempty"`        // of those whom it gives groups; empty: the default one
	Groups       []string    `json:"groups,omitempty"`        // of people whom nobody invited; empty: they do not get in
	GroupsClaim  string      `json:"groups_claim,omitempty"`  // the claim or attribute with the provider's groups
	GroupsOf     GroupsTable `json:"groups_of,omitempty"`     // ours, of theirs
}

// GroupsTable says which of our groups (a role among them) the members of another
// provider's group are in.
type GroupsTable map[string]string

// Check says what is wrong with the rules, and brings domains into the form that they are
// compared in.
func (r *Rules) Check() error {
	for i, domain := range r.EmailDomains {
		r.EmailDomains[i] = strings.ToLower(domain)
		if strings.ContainsAny(domain, "@ ") || !strings.Contains(domain, ".") {
			return fmt.Errorf("email_domains: %q is none", domain)
		}
	}
	if r.TrustEmail && len(r.EmailDomains) == 0 {
		return fmt.Errorf("trust_email: name the email_domains in which this provider gives out addresses")
	}
	if (len(r.GroupsOf) == 0) != (r.GroupsClaim == "") {
		return fmt.Errorf("groups_claim and groups_of: give both or neither")
	}
	if r.Tenant != "" && !r.Tenant.Valid() {
		return fmt.Errorf("tenant: %q is none", r.Tenant)
	}
	groups := slices.Clone(r.Groups)
	for _, group := range r.GroupsOf {
		groups = append(groups, group)
	}
	for _, group := range groups {
		if group == "" || strings.ContainsAny(group, " \t\n") || access.IsTenantGroup(group) {
			return fmt.Errorf("groups: %q is no name of a group; tenant says whose the people are", group)
		}
	}
	return nil
}

// ParseRules reads the rules of providers whom somebody else speaks to, by the names that
// it has for them.
func ParseRules(text []byte) (map[string]Rules, error) {
	var all map[string]Rules
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("rules of providers: %w", err)
	}
	for name, rules := range all {
		if err := rules.Check(); err != nil {
			return nil, fmt.Errorf("rules of provider %q: %w", name, err)
		}
	}
	return all, nil
}
