package oidc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"

	"github.com/tarnhq/tarn/shared/fault"
)

// newOAuth puts fosite's handlers together: authorization code with PKCE, OpenID
// Connect on top, refresh.
func newOAuth(store grants, issue issuer) fosite.OAuth2Provider {
	c := &fosite.Config{
		AccessTokenLifespan:   tokenLife,
		IDTokenLifespan:       tokenLife,
		AuthorizeCodeLifespan: codeLife,
		RefreshTokenLifespan:  grantLife,
		EnforcePKCE:           true,
		RefreshTokenScopes:    []string{}, // every sign-in gets a refresh token
		SanitationWhiteList:   keptForm,
		ScopeStrategy:         fosite.ExactScopeStrategy,
		RedirectSecureChecker: func(_ context.Context, to *url.URL) bool { return mayReturnTo(store.base, to.String()) },
	}
	idTokens := &openid.IDTokenHandleHelper{IDTokenStrategy: issue}
	code := &oauth2.AuthorizeExplicitGrantHandler{
		AccessTokenStrategy: issue, RefreshTokenStrategy: issue, AuthorizeCodeStrategy: issue,
		CoreStorage: store, TokenRevocationStorage: store, Config: c,
	}
	proof := &pkce.Handler{AuthorizeCodeStrategy: issue, Storage: store, Config: c}
	withID := &openid.OpenIDConnectExplicitHandler{
		OpenIDConnectRequestStorage: store, IDTokenHandleHelper: idTokens, Config: c,
		OpenIDConnectRequestValidator: openid.NewOpenIDConnectRequestValidator(nil, c),
	}
	refresh := &oauth2.RefreshTokenGrantHandler{
		AccessTokenStrategy: issue, RefreshTokenStrategy: issue, TokenRevocationStorage: store, Config: c,
	}
	refreshID := &openid.OpenIDConnectRefreshHandler{IDTokenHandleHelper: idTokens, Config: c}
	c.AuthorizeEndpointHandlers = fosite.AuthorizeEndpointHandlers{code, withID, proof}
	c.TokenEndpointHandlers = fosite.TokenEndpointHandlers{code, proof, withID, refresh, refreshID}
	return fosite.NewOAuth2Provider(store, c)
}

// token redeems codes and refresh tokens. It reads the user anew each time, so that
// a disabled one gets nothing and groups are those of now.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	ctx, reused := noticing(r.Context())
	request, err := p.oauth.NewAccessRequest(ctx, r, newSession("", "", p.now()))
	p.tellReuse(r, reused)
	if err != nil {
		p.refuseTokens(w, r, request, err)
		return
	}
	s := request.GetSession().(*tokenSession)
	a, err := p.users.get(ctx, s.Subject)
	if fault.Is(err, fault.NotFound) || err == nil && !a.maySign(s.Claims.AuthTime) {
		err = fosite.ErrInvalidGrant.WithHint("This user may not sign in any more.")
	}
	if err != nil {
		p.refuseTokens(w, r, request, err)
		return
	}
	s.user = a.User
	answer, err := p.oauth.NewAccessResponse(ctx, request)
	if err != nil {
		p.refuseTokens(w, r, request, overtaken(err))
		return
	}
	p.oauth.WriteAccessResponse(ctx, w, request, answer)
}

// overtaken calls a code or token that was good a moment ago, and that another
// request used meanwhile, what it is for the client: no longer good.
func overtaken(err error) error {
	for _, lost := range []error{fosite.ErrSerializationFailure, fosite.ErrNotFound, fosite.ErrInvalidatedAuthorizeCode, fosite.ErrInactiveToken} {
		if errors.Is(err, lost) {
			return fosite.ErrInvalidGrant.WithWrap(err).WithHint("It was used by another request at the same time.")
		}
	}
	return err
}

// refuseTokens answers a client that gets none.
func (p *Provider) refuseTokens(w http.ResponseWriter, r *http.Request, request fosite.AccessRequester, err error) {
	if known := (*fosite.RFC6749Error)(nil); !errors.As(err, &known) {
		err = fosite.ErrTemporarilyUnavailable.WithWrap(err)
	}
	p.note(r.Context(), err)
	p.oauth.WriteAccessError(r.Context(), w, request, err)
}

// userinfo tells the bearer of an access token whom it stands for.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	c, err := p.issuer.verify(fosite.AccessTokenFromRequest(r))
	if err != nil || c.Use != "access" {
		unauthorized(w)
		return
	}
	a, err := p.users.get(ctx, c.Subject)
	if fault.Is(err, fault.NotFound) || err == nil && !a.maySign(time.Unix(c.AuthTime, 0)) {
		unauthorized(w)
		return
	}
	if err != nil {
		p.note(ctx, err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, map[string]any{"sub": a.User.ID, "email": a.User.Email, "cognito:groups": a.User.Groups})
}

func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// discovery serves what clients configure themselves from.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	at, _ := p.Issuer(r.Context())
	writeJSON(w, map[string]any{
		"issuer":                                at.URL,
		"authorization_endpoint":                at.Authorization,
		"token_endpoint":                        at.Token,
		"jwks_uri":                              at.JWKS,
		"userinfo_endpoint":                     at.URL + "/userinfo",
		"end_session_endpoint":                  at.Logout,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      scopes,
		"claims_supported":                      strings.Fields("sub email cognito:groups token_use client_id aud iss exp iat auth_time nonce at_hash"),
	})
}

// jwks serves the public keys.
func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	writeJSON(w, p.issuer.keys.public())
}
