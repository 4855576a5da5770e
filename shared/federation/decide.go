package federation

import (
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// A person of another provider is known by issuer and subject, for ever: an address can
// be given to somebody else. Only the first time does the address decide, if it is proven,
// and then it leads to an account that nobody signs in to yet.
//
// What follows decides this for every directory. All refusals are fault.Denied.

// Account is what a directory holds of a person, as far as it matters here.
type Account struct {
	Groups   []string
	Disabled bool
	Waits    time.Time // until when it waits for its first sign-in; zero: somebody signs in to it
}

// Claim decides whether an account that has the person's address becomes theirs, of whom
// the directory knows nothing yet.
func (p Provider) Claim(who Person, a Account, now time.Time) error {
	if err := p.admit(who, false); err != nil {
		return err
	}
	switch {
	case a.Disabled:
		return errDisabled()
	case a.Waits.IsZero(): // its owner did not ask for this
		return fault.New(fault.Denied, "account_exists", "There is an account with your e-mail address already. Sign in to it as before.")
	case !now.Before(a.Waits):
		return fault.New(fault.Denied, "invitation_expired", "Your invitation has expired. Ask for another one.")
	}
	return p.serves(a)
}

// Enter decides whether a person gets an account whom nobody invited and the directory does
// not know, and returns its groups.
func (p Provider) Enter(who Person) ([]string, error) {
	if err := p.admit(who, false); err != nil {
		return nil, err
	}
	if len(p.Groups) == 0 {
		return nil, fault.New(fault.Denied, "not_invited", "Nobody has invited you yet. Ask an administrator to invite %s.", who.Email)
	}
	return p.mapped(access.GroupsOf(p.tenant(), p.Groups), who), nil
}

// Return decides whether a person signs in to the account that is theirs, and returns the
// groups that it is in from then on.
func (p Provider) Return(who Person, a Account) ([]string, error) {
	if err := p.admit(who, true); err != nil {
		return nil, err
	}
	if a.Disabled {
		return nil, errDisabled()
	}
	if err := p.serves(a); err != nil {
		return nil, err
	}
	return p.mapped(a.Groups, who), nil
}

// admit returns nil where the provider's people may sign in with such an address, and the
// address is proven. The second holds for whom we know by their subject without it.
func (p Provider) admit(who Person, known bool) error {
	_, domain, _ := strings.Cut(who.Email, "@")
	verified := who.Email != "" && (who.Verified || p.TrustEmail)
	if len(p.EmailDomains) > 0 && (!verified || !slices.Contains(p.EmailDomains, strings.ToLower(domain))) {
		return fault.New(fault.Denied, "wrong_domain", "Only people with a verified e-mail address of %s sign in with %s.", strings.Join(p.EmailDomains, ", "), p.Title())
	}
	if !known && !verified {
		return fault.New(fault.Denied, "email_unverified", "%s does not say that your e-mail address is yours. Verify it there, then try again.", p.Title())
	}
	return nil
}

// serves returns an error for a person of a tenant that the provider is not for. One that
// gives groups speaks for one tenant alone.
func (p Provider) serves(a Account) error {
	m, err := access.MembershipOf(a.Groups)
	if err != nil || p.Tenant == "" && len(p.Groups)+len(p.GroupsOf) == 0 || m.Tenant == p.tenant() {
		return err
	}
	return fault.New(fault.Denied, "wrong_tenant", "%s is not how people of your workspace sign in.", p.Title())
}

func (p Provider) tenant() tenant.ID {
	if p.Tenant == "" {
		return access.DefaultTenant
	}
	return p.Tenant
}

// mapped returns the groups of a person who is in groups already: those that GroupsOf can
// give are the provider's to give and to take, the others stay.
func (p Provider) mapped(groups []string, who Person) []string {
	if len(p.GroupsOf) == 0 {
		return groups
	}
	given := map[string]bool{} // whether to be in a group
	for theirs, ours := range p.GroupsOf {
		given[ours] = given[ours] || slices.Contains(who.Groups, theirs)
	}
	var mapped []string
	for _, group := range groups {
		if yes, ruled := given[group]; !ruled || yes {
			mapped = append(mapped, group)
			delete(given, group)
		}
	}
	var added []string
	for group, yes := range given {
		if yes {
			added = append(added, group)
		}
	}
	slices.Sort(added)
	return append(mapped, added...)
}

func errDisabled() error {
	return fault.New(fault.Denied, "disabled", "This account is disabled. Ask an administrator to enable it.")
}
