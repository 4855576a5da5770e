package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/jwt"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/table"
)

// grants is fosite's storage. A grant is one sign-in; the code and the refresh
// tokens that come of it are tickets to it. A ticket is used once and stays as used
// until it expires, so that a second use is noticed; it ends the grant, and with it
// every other ticket. Access tokens are not stored: their signature is enough.
type grants struct {
	table table.Table
	now   func() time.Time
	base  string
}

// grant is what fosite must find again of an authorization request.
type grant struct {
	User      string // id
	Since     time.Time
	Scopes    []string
	Redirect  string
	Nonce     string
	Challenge string // PKCE, S256
}

// The attributes of a ticket.
const (
	ticketGrant = "grant"
	ticketState = "state"
	fresh       = "fresh"
	used        = "used"
)

// tokenSession is fosite's session: who the tokens are for.
type tokenSession struct {
	*openid.DefaultSession
	user identity.User // as of now, not as of the sign-in; set before tokens are issued
}

// Clone is a copy that fosite may change.
func (s *tokenSession) Clone() fosite.Session {
	return &tokenSession{DefaultSession: s.DefaultSession.Clone().(*openid.DefaultSession), user: s.user}
}

func newSession(user, nonce string, since time.Time) *tokenSession {
	return &tokenSession{DefaultSession: &openid.DefaultSession{
		Subject: user,
		// When the request was made is not of interest, but fosite compares the two.
		Claims:  &jwt.IDTokenClaims{Subject: user, Nonce: nonce, AuthTime: since, RequestedAt: since},
		Headers: &jwt.Headers{},
	}}
}

// The form values of an authorization request that outlive it.
const (
	formRedirect  = "redirect_uri"
	formNonce     = "nonce"
	formChallenge = "code_challenge"
	formMethod    = "code_challenge_method"
)

var keptForm = []string{formRedirect, formNonce, formChallenge, formMethod}

func grantOf(r fosite.Requester) grant {
	s, form := r.GetSession().(*tokenSession), r.GetRequestForm()
	return grant{
		User: s.Subject, Since: s.Claims.AuthTime, Scopes: r.GetGrantedScopes(),
		Redirect: form.Get(formRedirect), Nonce: form.Get(formNonce), Challenge: form.Get(formChallenge),
	}
}

func (g grant) request(id string, client fosite.Client) *fosite.Request {
	return &fosite.Request{
		ID: id, RequestedAt: g.Since, Client: client, RequestedScope: g.Scopes, GrantedScope: g.Scopes,
		Session: newSession(g.User, g.Nonce, g.Since),
		Form:    url.Values{formRedirect: {g.Redirect}, formChallenge: {g.Challenge}, formMethod: {"S256"}},
	}
}

func grantKey(id string) table.Key          { return at("grants", id) }
func codeKey(signature string) table.Key    { return at("codes", signature) }
func refreshKey(signature string) table.Key { return at("refresh", signature) }

// ticket is an item that stands for a grant.
func ticket(key table.Key, grant, state string, expires time.Time) table.Item {
	return table.Item{Key: key, Attributes: map[string]string{ticketGrant: grant, ticketState: state}, Expires: expires}
}

// userOf returns whose a grant is; of a grant that has ended, nobody's.
func userOf(r *fosite.Request) string {
	if s, ok := r.Session.(*tokenSession); ok {
		return s.Subject
	}
	return ""
}

// find returns the request that a ticket stands for and whether the ticket was
// used before. It fails with fosite.ErrNotFound when the ticket is no more, or its
// grant; of a used ticket without a grant, the request has only the id.
func (g grants) find(ctx context.Context, key table.Key) (r *fosite.Request, usedBefore bool, err error) {
	item, err := g.get(ctx, key)
	if err != nil {
		return nil, false, err
	}
	id := item.Attributes[ticketGrant]
	usedBefore = item.Attributes[ticketState] == used
	item, err = g.get(ctx, grantKey(id))
	if usedBefore && errors.Is(err, fosite.ErrNotFound) {
		return &fosite.Request{ID: id}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	var found grant
	if err := json.Unmarshal(item.Body, &found); err != nil {
		return nil, false, err
	}
	return found.request(id, g.client("")), usedBefore, nil
}

func (g grants) get(ctx context.Context, key table.Key) (table.Item, error) {
	item, err := g.table.Get(ctx, key)
	if fault.Is(err, fault.NotFound) || err == nil && !g.now().Before(item.Expires) {
		return table.Item{}, fosite.ErrNotFound
	}
	return item, err
}

// use marks a ticket used. Of two who use it at once, one wins.
func (g grants) use(ctx context.Context, key table.Key) (table.Write, error) {
	item, err := g.get(ctx, key)
	if err != nil {
		return table.Write{}, err
	}
	return table.Put(ticket(key, item.Attributes[ticketGrant], used, item.Expires)).If(table.Equal(ticketState, fresh)), nil
}

// CreateAuthorizeCodeSession begins a grant with its code.
func (g grants) CreateAuthorizeCodeSession(ctx context.Context, signature string, r fosite.Requester) error {
	body, err := json.Marshal(grantOf(r))
	if err != nil {
		return err
	}
	return g.write(ctx,
		table.Put(table.Item{Key: grantKey(r.GetID()), Body: body, Expires: g.now().Add(grantLife)}).If(table.Absent),
		table.Put(ticket(codeKey(signature), r.GetID(), fresh, g.now().Add(codeLife))).If(table.Absent))
}

// GetAuthorizeCodeSession finds the grant of a code.
func (g grants) GetAuthorizeCodeSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	r, usedBefore, err := g.find(ctx, codeKey(signature))
	if err != nil {
		return nil, err
	}
	if usedBefore {
		noticed(ctx, userOf(r), codeReused)
		return r, fosite.ErrInvalidatedAuthorizeCode
	}
	return r, nil
}

// InvalidateAuthorizeCodeSession marks a code used.
func (g grants) InvalidateAuthorizeCodeSession(ctx context.Context, signature string) error {
	write, err := g.use(ctx, codeKey(signature))
	if err != nil {
		return err
	}
	return g.write(ctx, write)
}

// CreateRefreshTokenSession adds a refresh token to its grant, which it does not
// outlive.
func (g grants) CreateRefreshTokenSession(ctx context.Context, signature, _ string, r fosite.Requester) error {
	item, err := g.get(ctx, grantKey(r.GetID()))
	if err != nil {
		return err
	}
	return g.write(ctx,
		table.Check(item.Key, table.Present),
		table.Put(ticket(refreshKey(signature), r.GetID(), fresh, item.Expires)).If(table.Absent))
}

// GetRefreshTokenSession finds the grant of a refresh token.
func (g grants) GetRefreshTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	r, usedBefore, err := g.find(ctx, refreshKey(signature))
	if err != nil {
		return nil, err
	}
	if usedBefore {
		noticed(ctx, userOf(r), refreshReused)
		return r, fosite.ErrInactiveToken
	}
	return r, nil
}

// RotateRefreshToken marks a refresh token used.
func (g grants) RotateRefreshToken(ctx context.Context, _ string, signature string) error {
	write, err := g.use(ctx, refreshKey(signature))
	if err != nil {
		return err
	}
	return g.write(ctx, write)
}

// DeleteRefreshTokenSession leaves the token as used, so that further uses are
// noticed too: fosite calls it only before it ends the grant.
func (g grants) DeleteRefreshTokenSession(context.Context, string) error { return nil }

// RevokeRefreshToken ends a grant.
func (g grants) RevokeRefreshToken(ctx context.Context, id string) error {
	return g.write(ctx, table.Delete(grantKey(id)))
}

// Access tokens carry their own proof; there is nothing to keep or to take back.

func (g grants) CreateAccessTokenSession(context.Context, string, fosite.Requester) error { return nil }
func (g grants) DeleteAccessTokenSession(context.Context, string) error                   { return nil }
func (g grants) RevokeAccessToken(context.Context, string) error                          { return nil }
func (g grants) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, fosite.ErrNotFound
}

// The grant holds what PKCE and OpenID Connect ask to have stored.

func (g grants) CreatePKCERequestSession(context.Context, string, fosite.Requester) error { return nil }
func (g grants) DeletePKCERequestSession(context.Context, string) error                   { return nil }

// GetPKCERequestSession finds the grant of a code, which has the challenge.
func (g grants) GetPKCERequestSession(ctx context.Context, signature string, s fosite.Session) (fosite.Requester, error) {
	return g.GetAuthorizeCodeSession(ctx, signature, s)
}

func (g grants) CreateOpenIDConnectSession(context.Context, string, fosite.Requester) error {
	return nil
}
func (g grants) DeleteOpenIDConnectSession(context.Context, string) error { return nil }

// GetOpenIDConnectSession returns the request itself: its session came from the grant.
func (g grants) GetOpenIDConnectSession(_ context.Context, _ string, r fosite.Requester) (fosite.Requester, error) {
	return r, nil
}

// transaction gathers the writes of one answer of the token endpoint.
type transaction struct{ writes []table.Write }

type transactionKey struct{}

func (g grants) write(ctx context.Context, writes ...table.Write) error {
	if tx, ok := ctx.Value(transactionKey{}).(*transaction); ok {
		tx.writes = append(tx.writes, writes...)
		return nil
	}
	return g.commit(ctx, writes)
}

func (g grants) commit(ctx context.Context, writes []table.Write) error {
	err := g.table.Commit(ctx, writes...)
	if fault.Is(err, fault.Conflict) {
		return fosite.ErrSerializationFailure.WithWrap(err)
	}
	return err
}

// BeginTX starts to gather writes.
func (g grants) BeginTX(ctx context.Context) (context.Context, error) {
	return context.WithValue(ctx, transactionKey{}, &transaction{}), nil
}

// Commit makes the gathered writes, all or none.
func (g grants) Commit(ctx context.Context) error {
	return g.commit(ctx, ctx.Value(transactionKey{}).(*transaction).writes)
}

// Rollback forgets the gathered writes.
func (g grants) Rollback(context.Context) error { return nil }
