// Package federation signs people in whom another provider knows: an OpenID Connect
// issuer or a SAML identity provider. It speaks the protocols, as the relying party, and
// says whom such a provider vouches for; whose account that is, the directory decides.
//
// What it promises: a Person is one that the provider named in an answer to our own
// question, made for us, signed with a key of the provider's, and good still.
package federation

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Person is whom a provider vouches for.
type Person struct {
	Issuer   string   // with Subject, the person's name for ever
	Subject  string   //
	Email    string   //
	Verified bool     // whether the provider says that the address is the person's
	Groups   []string // the values of the provider's GroupsClaim
}

// Visit is a browser's errand at a provider. What it holds is known to us and, but for
// the verifier, to the provider; nobody else can guess it.
type Visit struct {
	State    string // comes back with the answer
	Nonce    string // is in the answer's ID token; the id of a SAML request
	Verifier string // of PKCE
	Anew     bool   // the person must prove themselves, whatever session they are in
}

// Errand is where a browser is sent, and with what.
type Errand struct {
	URL  string
	Form url.Values // to be sent by POST; nil: the browser is redirected
}

// Party asks one provider. Both methods fail with fault.Unavailable when the provider
// cannot be reached and with fault.Denied when its answer will not do.
type Party interface {
	// Begin tells where to send a browser.
	Begin(ctx context.Context, v Visit) (Errand, error)

	// Finish reads what the browser brought back.
	Finish(ctx context.Context, v Visit, answer url.Values) (Person, error)
}

// Admit returns nil where the provider's people may sign in with such an address, and the
// address is proven. The second holds for whom we know by their subject without it.
func (p Provider) Admit(who Person, known bool) error {
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

// Serves reports whether the provider's people may be of a tenant. A provider that gives
// groups speaks for one tenant alone.
func (p Provider) Serves(t tenant.ID) bool {
	if p.Tenant == "" && len(p.Groups)+len(p.GroupsOf) == 0 {
		return true
	}
	return t == p.tenant()
}

func (p Provider) tenant() tenant.ID {
	if p.Tenant == "" {
		return access.DefaultTenant
	}
	return p.Tenant
}

// Uninvited returns the groups of a person whom nobody invited, or false where such
// people do not get in.
func (p Provider) Uninvited(who Person) ([]string, bool) {
	if len(p.Groups) == 0 {
		return nil, false
	}
	return p.Mapped(access.GroupsOf(p.tenant(), p.Groups), who), true
}

// Mapped returns the groups of a person who is in groups already: those that GroupsOf can
// give are the provider's to give and to take, the others stay.
func (p Provider) Mapped(groups []string, who Person) []string {
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

// skew is by how much a provider's clock may be ahead of ours.
const skew = time.Minute

func refused(cause error) error {
	return fault.New(fault.Denied, "bad_answer", "The answer of the other provider will not do. Try again from the start.").Because(cause)
}

func unreachable(cause error) error {
	return fault.New(fault.Unavailable, "provider_unreachable", "The other provider cannot be reached at the moment. Try again soon.").Because(cause)
}
