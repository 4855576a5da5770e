package access

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// ClientSecret is the secret of the deployment that clients' tokens are signed with.
// Those that were signed with its previous value are good; deleting it ends them all
// within a minute.
const ClientSecret secret.Name = "clients"

// The life and the form of a client's token.
const (
	ClientTokenLife = 15 * time.Minute
	clientPrefix    = "tarnaccess_"
	clientAudience  = "tarn:client"
	markBytes       = 16
)

// Clients gives service accounts short-lived tokens for their keys: OAuth's client
// credentials (RFC 6749, section 4.4). The client is the key, and its token does what the
// key does, as long as the key does: each token is held against its key, and bears a mark
// of the very secret that it was given for. It must not be copied.
type Clients struct {
	Keys    Keys
	Secrets secret.Store

	signs signingSecret
}

// Grant is a token that a client is given.
type Grant struct {
	Token   string
	Expires time.Time
	Scopes  []Action // all that the token may do
}

type clientClaims struct {
	jwt.Claims
	Scope string `json:"scope,omitempty"` // narrower than the key's; empty: the key's
	Mark  string `json:"mark"`            // of the secret
}

// Mint makes a token for the key that a secret is of, narrowed to scopes if there are
// any. It lives no longer than the secret.
func (c *Clients) Mint(ctx context.Context, text string, scopes []Action) (Grant, error) {
	key, err := c.Keys.recognise(ctx, text)
	if err != nil {
		return Grant{}, err
	}
	p, now := key.principal(), c.Keys.Now()
	for _, scope := range scopes {
		if !slices.Contains(p.Actions(), scope) {
			return Grant{}, fault.New(fault.Invalid, "invalid_scope", "the key may not do %.40q", string(scope)).WithHint("name actions that GET /v1/me lists for the key, or none")
		}
	}
	expires := now.Add(ClientTokenLife)
	mark := markOf(hashSecret(text))
	for _, end := range []time.Time{key.Expires, key.endOf(mark)} {
		if !end.IsZero() && end.Before(expires) {
			expires = end
		}
	}
	signing, err := c.signs.get(ctx, ClientSecret, c.Secrets, now, c.Keys.Random)
	if err != nil {
		return Grant{}, err
	}
	id, err := c.Keys.random(16)
	if err != nil {
		return Grant{}, err
	}
	token, err := signToken(signing.Current, clientClaims{Scope: joined(scopes), Mark: mark, Claims: jwt.Claims{
		ID: hex.EncodeToString(id), Subject: key.ID, Audience: jwt.Audience{clientAudience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires),
	}})
	p.Scopes = either(scopes, p.Scopes)
	return Grant{Token: clientPrefix + token, Expires: expires.Truncate(time.Second), Scopes: p.Actions()}, err
}

// Identify returns the principal that a client's token stands for: its key, until the
// token expires.
func (c *Clients) Identify(ctx context.Context, token string) (Principal, error) {
	text, ok := strings.CutPrefix(token, clientPrefix)
	if !ok || len(token) > maxToken {
		return Principal{}, errClientToken()
	}
	now := c.Keys.Now()
	signing, err := c.signs.get(ctx, ClientSecret, c.Secrets, now, nil)
	if fault.Is(err, fault.NotFound) {
		return Principal{}, errClientToken()
	}
	if err != nil {
		return Principal{}, err
	}
	var claims clientClaims
	if !readToken(text, signing, &claims) || len(claims.Audience) != 1 || claims.Audience[0] != clientAudience ||
		claims.Subject == "" || claims.Expiry == nil || !now.Before(claims.Expiry.Time()) ||
		claims.IssuedAt == nil || claims.IssuedAt.Time().After(now.Add(clockSkew)) {
		return Principal{}, errClientToken()
	}
	key, err := c.Keys.get(ctx, byID(claims.Subject))
	if fault.Is(err, fault.NotFound) {
		return Principal{}, errClientToken()
	}
	if err != nil {
		return Principal{}, err
	}
	if !key.isOf(claims.Mark, now) || !key.Revoked.IsZero() || key.principal().expired(now) {
		return Principal{}, errClientToken()
	}
	p := key.principal()
	p.Expires = claims.Expiry.Time()
	p.Scopes = either(scopesOf(claims.Scope), p.Scopes)
	return p, nil
}

func either(a, b []Action) []Action {
	if len(a) > 0 {
		return a
	}
	return b
}

// markOf tells secrets of a key apart and says nothing of them.
func markOf(hash []byte) string { return hex.EncodeToString(hash[:min(markBytes, len(hash))]) }

// isOf reports whether a mark is that of a secret of the key that is good at a time.
func (k storedKey) isOf(mark string, now time.Time) bool {
	same := func(hash []byte) bool {
		return len(hash) > 0 && subtle.ConstantTimeCompare([]byte(markOf(hash)), []byte(mark)) == 1
	}
	return same(k.Hash) || same(k.OldHash) && now.Before(k.OldUntil)
}

// endOf is when the secret with a mark ends: never, for the present one.
func (k storedKey) endOf(mark string) time.Time {
	if mark == markOf(k.Hash) {
		return time.Time{}
	}
	return k.OldUntil
}

func scopesOf(text string) (scopes []Action) {
	for _, word := range strings.Fields(text) {
		scopes = append(scopes, Action(word))
	}
	return scopes
}

func errClientToken() error {
	return fault.New(fault.Unauthenticated, "bad_access_token", "this access token is not valid").
		WithHint("it may have expired, or its key was revoked or rotated: ask for another with POST /v1/token")
}

// signToken and readToken make and check tokens of our own, by a key that nobody else has.
func signToken(key secret.Value, claims any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key.Reveal()}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func readToken[Claims any](token string, by secret.Secret, claims *Claims) bool {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return false
	}
	for _, value := range []secret.Value{by.Current, by.Previous} {
		var read Claims
		if key := value.Reveal(); len(key) > 0 && parsed.Claims(key, &read) == nil {
			*claims = read
			return true
		}
	}
	return false
}
