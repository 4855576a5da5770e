package oidc

import (
	"context"
	"errors"
	"net/http"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/identity"
)

// Event is something that happened as people signed in, for an audit log.
type Event struct {
	What     Happening
	User     identity.User // whom it concerns; zero: nobody we know
	Failure  string        // the code of the refusal; empty: it was done
	From     string        // address of the network
	Provider string        // that vouched for the person, or failed to; empty: ourselves
}

// Happening is what an Event is about.
type Happening uint8

// What happens.
const (
	SignedIn Happening = iota // or tried to
	SignedOut
	PasswordChanged
	FactorBegun
	FactorEnded
)

// Failures that no page tells of.
const (
	codeReused    = "code_reused"    // an authorization code was used before: the grant ends
	refreshReused = "refresh_reused" // a refresh token was
)

// tell tells of what happened in a request.
func (p *Provider) tell(r *http.Request, e Event) {
	if p.told != nil {
		e.From = r.RemoteAddr
		p.told(r.Context(), e)
	}
}

// tellRefusal tells that somebody was not signed in, and of whose account was meant. Of what is
// asked for besides, or failed by our own fault, it tells nothing.
func (p *Provider) tellRefusal(r *http.Request, email, provider string, err error) {
	var known *fault.Error
	if p.told == nil || !errors.As(err, &known) || known.Kind != fault.Unauthenticated && known.Kind != fault.Denied && known.Kind != fault.Throttled {
		return
	}
	e := Event{What: SignedIn, Failure: known.Code, Provider: provider}
	if a, err := p.users.find(r.Context(), email); err == nil && email != "" {
		e.User = a.User
	}
	p.tell(r, e)
}

type reuseKey struct{}

// reuse is what the storage noticed of a ticket that was used before.
type reuse struct{ user, failure string }

// noticing returns a context in which a second use of a ticket is noticed.
func noticing(ctx context.Context) (context.Context, *reuse) {
	seen := &reuse{}
	return context.WithValue(ctx, reuseKey{}, seen), seen
}

// noticed remembers a second use. Of one whose grant has ended nobody knows the user.
func noticed(ctx context.Context, user, failure string) {
	if seen, ok := ctx.Value(reuseKey{}).(*reuse); ok {
		*seen = reuse{user, failure}
	}
}

// tellReuse tells of a ticket that was used before, if one was.
func (p *Provider) tellReuse(r *http.Request, seen *reuse) {
	if p.told == nil || seen.failure == "" {
		return
	}
	e := Event{What: SignedIn, Failure: seen.failure, User: identity.User{ID: seen.user}}
	if a, err := p.users.get(r.Context(), seen.user); err == nil {
		e.User = a.User
	}
	p.tell(r, e)
}
