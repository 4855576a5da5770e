package oidc

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/ory/fosite"
)

// issuer makes codes and tokens: fosite's strategies.
type issuer struct {
	keys   *keyring
	url    string
	now    func() time.Time
	random io.Reader
}

// claims are Cognito's.
type claims struct {
	jwt.Claims
	Use      string   `json:"token_use"` // "access" or "id"
	Client   string   `json:"client_id,omitempty"`
	Scope    string   `json:"scope,omitempty"`
	Groups   []string `json:"cognito:groups,omitempty"`
	Email    string   `json:"email,omitempty"`
	Nonce    string   `json:"nonce,omitempty"`
	AuthTime int64    `json:"auth_time"`
	Hash     string   `json:"at_hash,omitempty"` // of the access token
}

func (i issuer) claims(use string, s *tokenSession) (claims, error) {
	id, err := newSecret(i.random)
	if err != nil {
		return claims{}, err
	}
	now := i.now()
	return claims{
		Claims: jwt.Claims{
			ID: id[:32], Issuer: i.url, Subject: s.Subject,
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLife)),
		},
		Use: use, Groups: s.user.Groups, AuthTime: s.Claims.AuthTime.Unix(),
	}, nil
}

// GenerateAccessToken signs an access token for the session's user.
func (i issuer) GenerateAccessToken(ctx context.Context, r fosite.Requester) (token, signature string, err error) {
	c, err := i.claims("access", r.GetSession().(*tokenSession))
	if err != nil {
		return "", "", err
	}
	c.Client, c.Scope = ClientID, strings.Join(r.GetGrantedScopes(), " ")
	token, err = i.keys.sign(ctx, c)
	return token, i.AccessTokenSignature(ctx, token), err
}

// GenerateIDToken signs an ID token for the session's user.
func (i issuer) GenerateIDToken(ctx context.Context, _ time.Duration, r fosite.Requester) (string, error) {
	s := r.GetSession().(*tokenSession)
	c, err := i.claims("id", s)
	if err != nil {
		return "", err
	}
	c.Audience, c.Email, c.Nonce, c.Hash = jwt.Audience{ClientID}, s.user.Email, s.Claims.Nonce, s.Claims.AccessTokenHash
	return i.keys.sign(ctx, c)
}

// AccessTokenSignature names an access token in storage, where none is kept.
func (i issuer) AccessTokenSignature(_ context.Context, token string) string { return hashed(token) }

// ValidateAccessToken checks signature, issuer and expiry.
func (i issuer) ValidateAccessToken(_ context.Context, _ fosite.Requester, token string) error {
	_, err := i.verify(token)
	return err
}

// verify returns the claims of a token that this provider issued and that is good
// still.
func (i issuer) verify(token string) (claims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return claims{}, err
	}
	var c claims
	if err := parsed.Claims(i.keys.public(), &c); err != nil {
		return claims{}, err
	}
	return c, c.ValidateWithLeeway(jwt.Expected{Issuer: i.url, Time: i.now()}, 0)
}

// Codes and refresh tokens are random; what they stand for and until when is in
// storage, which returns none that has expired.

func (i issuer) AuthorizeCodeSignature(_ context.Context, code string) string { return hashed(code) }
func (i issuer) RefreshTokenSignature(_ context.Context, token string) string { return hashed(token) }

func (i issuer) GenerateAuthorizeCode(context.Context, fosite.Requester) (code, signature string, err error) {
	code, err = newSecret(i.random)
	return code, hashed(code), err
}

func (i issuer) GenerateRefreshToken(context.Context, fosite.Requester) (token, signature string, err error) {
	token, err = newSecret(i.random)
	return token, hashed(token), err
}

func (i issuer) ValidateAuthorizeCode(context.Context, fosite.Requester, string) error { return nil }
func (i issuer) ValidateRefreshToken(context.Context, fosite.Requester, string) error  { return nil }
