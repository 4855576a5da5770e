// Package identity is the port for people: an OpenID Connect issuer and the
// directory behind it. Package identitytest holds the suite that every
// implementation passes. Machines (API keys) are package access's business.
package identity

import "context"

// User is a person who can sign in.
type User struct {
	ID       string // the token's "sub"
	Email    string
	Groups   []string // the token's "cognito:groups"
	Disabled bool
}

// Issuer tells a verifier and a client how to sign people in.
type Issuer struct {
	URL           string // the token's "iss"; its /.well-known/openid-configuration is served
	ClientID      string // the token's "aud" (ID token) or "client_id" (access token)
	JWKS          string // URL of the signing keys
	Authorization string // URL of the sign-in page
	Token         string // URL of the token endpoint
	Logout        string // URL that ends the session; may be empty
}

// Directory manages the people of one deployment.
type Directory interface {
	// Issuer describes where people sign in.
	Issuer(ctx context.Context) (Issuer, error)

	// Create adds a user who can sign in with the password at once. A taken
	// e-mail address is fault.Conflict; a weak password fault.Invalid.
	Create(ctx context.Context, email, password string, groups []string) (User, error)

	// Invite is Create with a one-time password, which it returns: who signs in with
	// it must choose another, within a week.
	Invite(ctx context.Context, email string, groups []string) (User, string, error)

	// Get returns the user with this id, or fault.NotFound.
	Get(ctx context.Context, id string) (User, error)

	// Find returns the user with this e-mail address, or fault.NotFound.
	Find(ctx context.Context, email string) (User, error)

	// List returns a page of users; next continues.
	List(ctx context.Context, next string, limit int) (users []User, more string, err error)

	// SetGroups replaces the groups of a user.
	SetGroups(ctx context.Context, id string, groups []string) error

	// Disable stops a user from signing in and from refreshing; Enable undoes it.
	Disable(ctx context.Context, id string) error
	Enable(ctx context.Context, id string) error

	// SignOut ends all sessions of a user: the refresh tokens that are out get nothing
	// any more. Access tokens are good until they expire.
	SignOut(ctx context.Context, id string) error

	// Reset takes a user back to their invitation: only the one-time password that it
	// returns, good as Invite's, or a first sign-in with another provider lets them in again.
	// Whatever they proved themselves by before is not good any more, their second factor
	// among it, and all sessions end. Who never had a password is fault.Conflict.
	Reset(ctx context.Context, id string) (password string, err error)

	// Delete removes a user; an absent one is fine.
	Delete(ctx context.Context, id string) error
}
