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
	now    func() time.Time
}

// NewTokens makes a verifier of what the issuer signs with the keys of the source.
func NewTokens(issuer identity.Issuer, source KeySource, now func() time.Time) *Tokens {
	return &Tokens{issuer: issuer, keys: &signingKeys{source: source, now: now}, now: now}
}

type tokenClaims struct {
	jwt.Claims
	Use    string   `json:"token_use"`
	Client string   `json:"client_id"`
	Groups []string `json:"cognito:groups"`
}

// Identify returns the person that the token was issued to, with the highest of
// the roles that their groups name. It fails with fault.Unauthenticated for any
// token that is not ours to accept, and with fault.Denied for a person in the
// groups of two tenants.
func (t *Tokens) Identify(ctx context.Context, token string) (Principal, error) {
	c, err := t.verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	if err := t.check(c); err != nil {
		return Principal{}, err
	}
	owner, err := tenantOf(c.Groups)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Tenant: owner, ID: "user:" + c.Subject, Role: roleOf(c.Groups), Expires: c.Expiry.Time()}, nil
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

// roleOf returns the highest role among the groups, or none.
func roleOf(groups []string) Role {
	for _, role := range roles {
		if slices.Contains(groups, string(role)) {
			return role
		}
	}
	return ""
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
