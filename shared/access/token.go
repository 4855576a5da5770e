package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/tenant"
)

// DefaultTenant is whose data a person works with who is in no tenant's group.
const DefaultTenant tenant.ID = "main"

// UserPrefix begins the id of a principal that is a person.
const UserPrefix = "user:"

const (
	tenantGroup = "tenant:"        // a group "tenant:acme" puts a person into tenant acme
	maxToken    = 16 << 10         // bytes
	clockSkew   = 30 * time.Second // by which an issuer's clock may be ahead of ours
)

// The algorithms are named here and not by the token: a token signed by anything
// else, or by nothing, is garbage.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256}

// Tokens verifies the access and ID tokens of one issuer.
type Tokens struct {
	issuer identity.Issuer
	keys   *signingKeys
	people People
	now    func() time.Time

	standing recollection[personID, Standing]
}

type personID struct {
	tenant tenant.ID
	id     string
}

// NewTokens makes a verifier of what the issuer signs with the keys of the source, for
// people whose standing is what the others say.
func NewTokens(issuer identity.Issuer, source KeySource, people People) *Tokens {
	return &Tokens{issuer: issuer, keys: &signingKeys{source: source, now: people.Now}, people: people, now: people.Now}
}

type tokenClaims struct {
	jwt.Claims
	Use    string   `json:"token_use"`
	Client string   `json:"client_id"`
	Groups []string `json:"cognito:groups"`
}

// Identify returns the person that the token was issued to, with the highest of
// the roles that their groups name. It fails with fault.Unauthenticated for any
// token that is not ours to accept, with fault.Denied for a person in the groups of
// two tenants, and where the standing of a person cannot be read. What changes in that
// holds after KeyMemory.
func (t *Tokens) Identify(ctx context.Context, token string) (Principal, error) {
	c, err := t.verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	if err := t.check(c); err != nil {
		return Principal{}, err
	}
	m, err := MembershipOf(c.Groups)
	if err != nil {
		return Principal{}, err
	}
	standing, err := t.standingOf(ctx, personID{m.Tenant, c.Subject})
	if err != nil {
		return Principal{}, err
	}
	if !standing.accepts(c.issued()) {
		return Principal{}, badToken("its person signed out, was changed or is disabled")
	}
	return Principal{Tenant: m.Tenant, ID: UserPrefix + c.Subject, Role: m.Role, Expires: c.Expiry.Time(),
		Groups: m.Groups, Attributes: standing.Attributes}, nil
}

// issued is the zero time for a token that does not say it, which is before all others.
func (c tokenClaims) issued() time.Time {
	if c.IssuedAt == nil {
		return time.Time{}
	}
	return c.IssuedAt.Time()
}

func (t *Tokens) standingOf(ctx context.Context, id personID) (Standing, error) {
	now := t.now()
	if s, ok := t.standing.get(id, now); ok {
		return s, nil
	}
	s, err := t.people.Standing(ctx, id.tenant, id.id)
	if err == nil {
		t.standing.put(id, s, now)
	}
	return s, err
}

// verify returns the claims of a token with a good signature.
func (t *Tokens) verify(ctx context.Context, token string) (tokenClaims, error) {
	if len(token) > maxToken {
		return tokenClaims{}, badToken("it is too long")
	}
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return tokenClaims{}, badToken("it is neither a key nor a signed token")
	}
	key, err := t.keys.find(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return tokenClaims{}, err
	}
	var c tokenClaims
	if err := parsed.Claims(key, &c); err != nil {
		return tokenClaims{}, badToken("its signature or its claims are wrong")
	}
	return c, nil
}

func (t *Tokens) check(c tokenClaims) error {
	now := t.now()
	switch {
	case c.Issuer != t.issuer.URL:
		return badToken("another issuer signed it")
	case !t.isForUs(c):
		return badToken("it was made for another application")
	case c.Subject == "":
		return badToken("it names nobody")
	case c.Expiry == nil || !now.Before(c.Expiry.Time()):
		return badToken("it has expired")
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(clockSkew)),
		c.IssuedAt != nil && c.IssuedAt.Time().After(now.Add(clockSkew)):
		return badToken("it is not valid yet")
	}
	return nil
}

// isForUs follows Cognito: an access token names its client, an ID token has it as
// audience.
func (t *Tokens) isForUs(c tokenClaims) bool {
	switch c.Use {
	case "access":
		return c.Client == t.issuer.ClientID
	case "id", "": // an issuer that is not Cognito does not say
		return slices.Contains(c.Audience, t.issuer.ClientID)
	}
	return false
}

func tenantOf(groups []string) (tenant.ID, error) {
	owner := DefaultTenant
	found := false
	for _, group := range groups {
		name, ok := strings.CutPrefix(group, tenantGroup)
		if !ok {
			continue
		}
		if found || !tenant.ID(name).Valid() {
			return "", fault.New(fault.Denied, "no_single_tenant", "the groups of this person do not name one tenant").
				WithHint("be in one group %s… at most", tenantGroup)
		}
		owner, found = tenant.ID(name), true
	}
	return owner, nil
}

func badToken(why string) error {
	return fault.New(fault.Unauthenticated, "bad_token", "this access token is not valid: %s", why).
		WithHint("sign in again")
}
