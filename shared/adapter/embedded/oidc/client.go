package oidc

import (
	"context"
	"time"

	"github.com/ory/fosite"
)

type redirectKey struct{}

// client returns the console as fosite wants a client described. Fosite compares
// addresses as text, so the requested one joins the list if it may be used.
func (g grants) client(redirect string) fosite.Client {
	c := &fosite.DefaultClient{
		ID: ClientID, Public: true,
		RedirectURIs:  []string{g.base + "/"},
		GrantTypes:    []string{"authorization_code", "refresh_token"},
		ResponseTypes: []string{"code"},
		Scopes:        scopes,
	}
	if mayReturnTo(g.base, redirect) {
		c.RedirectURIs = append(c.RedirectURIs, redirect)
	}
	return c
}

var scopes = []string{"openid", "email", "profile"}

// GetClient returns the console for its id.
func (g grants) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	if id != ClientID {
		return nil, fosite.ErrNotFound
	}
	redirect, _ := ctx.Value(redirectKey{}).(string)
	return g.client(redirect), nil
}

// A public client has no assertions to remember.

func (g grants) ClientAssertionJWTValid(context.Context, string) error {
	return fosite.ErrInvalidClient
}
func (g grants) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrInvalidClient
}
