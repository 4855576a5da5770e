package server

import (
	"cmp"
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded/oidc"
	"github.com/tarnhq/tarn/shared/audit"
)

// told are the actions and the outcomes of what happens as people sign in.
var told = map[oidc.Happening]struct {
	action  access.Action
	outcome string
}{
	oidc.SignedIn:        {audit.SignIn, audit.Done},
	oidc.SignedOut:       {audit.SignOut, audit.Done},
	oidc.PasswordChanged: {audit.ChangePassword, audit.Done},
	oidc.FactorBegun:     {audit.ChangeFactor, audit.Done},
	oidc.FactorEnded:     {audit.ChangeFactor, "ended"},
}

// tellSignIn has the audit log hold what happens as people sign in: in the log of their
// tenant, or of nobody we know in the deployment's own.
func (s *Server) tellSignIn(ctx context.Context, happened oidc.Event) {
	e := audit.Event{Tenant: Tenant, By: audit.Nobody, Payload: audit.Payload{From: happened.From, Email: happened.User.Email}}
	if happened.User.ID != "" {
		e.By = access.UserPrefix + happened.User.ID
		if m, err := access.MembershipOf(happened.User.Groups); err == nil {
			e.Tenant, e.Role = m.Tenant, m.Role
		}
	}
	if happened.Provider != "" {
		e.On = map[string]string{"provider": happened.Provider}
	}
	what := told[happened.What]
	e.Action, e.Outcome = what.action, cmp.Or(happened.Failure, what.outcome)
	tell := s.trail.Append
	if happened.Failure != "" {
		tell = s.trail.Attempt
	}
	if err := tell(ctx, e); err != nil {
		s.options.Log.ErrorContext(ctx, "audit", "action", e.Action, "error", err)
	}
}
