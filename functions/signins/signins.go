// Package signins answers Cognito, which asks when somebody signs in with another provider.
// Cognito has checked who that is; the rules of package federation, the same as of the
// embedded provider, decide which account is theirs and which groups it is in.
//
// What it promises: every account is one that somebody invited or the rules let in, by a
// verified address; Cognito makes none by itself. An account that is in use is nobody
// else's. Whatever fails, nobody gets in.
package signins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
)

// Directory is a user pool, as far as the answers need it.
type Directory interface {
	// Waiting returns whom a verified address belongs to, or fault.NotFound, and until
	// when they wait for their first sign-in; the zero time: somebody signs in to it.
	Waiting(ctx context.Context, email string) (user identity.User, until time.Time, err error)

	// Invite makes an account that waits.
	Invite(ctx context.Context, email string, groups []string) (identity.User, string, error)

	// Link has whom a provider calls by a subject sign in to an account.
	Link(ctx context.Context, id, provider, subject string) error

	// EndInvitation ends the one-time password of an account.
	EndInvitation(ctx context.Context, id string) error

	// SetGroups replaces the groups of an account.
	SetGroups(ctx context.Context, id string, groups []string) error
}

// Answers answers the events of a user pool.
type Answers struct {
	Rules map[string]federation.Rules // of providers, by their names in the pool
	Open  func(pool string) Directory //
	Now   func() time.Time            //
	Log   *slog.Logger                // of who was refused why; it names no person
}

// event is what Cognito sends, as far as it matters here.
type event struct {
	TriggerSource string `json:"triggerSource"`
	UserPoolID    string `json:"userPoolId"`
	UserName      string `json:"userName"`
	Request       struct {
		UserAttributes     map[string]string `json:"userAttributes"`
		GroupConfiguration struct {
			GroupsToOverride []string `json:"groupsToOverride"`
		} `json:"groupConfiguration"`
	} `json:"request"`
}

// The events that there are, by what begins or is their triggerSource.
const (
	adminCreates = "PreSignUp_AdminCreateUser"
	firstTime    = "PreSignUp_ExternalProvider"
	tokens       = "TokenGeneration_"
)

// Handle answers an event with itself, and with the groups of tokens in it. An error
// refuses; Cognito shows its text to the person, at the address that the client named.
func (a Answers) Handle(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
	var e event
	err := json.Unmarshal(raw, &e)
	if err == nil {
		raw, err = a.answer(ctx, e, raw)
	}
	if joined := (joinedError{}); err == nil || errors.As(err, &joined) {
		return raw, err
	}
	return nil, a.refusal(ctx, e, err)
}

// refusal is what a person is told of an error: what they can mend, or that it was not
// their fault.
func (a Answers) refusal(ctx context.Context, e event, err error) error {
	known := (*fault.Error)(nil)
	if !errors.As(err, &known) || known.Kind != fault.Denied && known.Kind != fault.Invalid && known.Kind != fault.Conflict {
		a.Log.ErrorContext(ctx, "sign-in with another provider failed", "event", e.TriggerSource, "error", err.Error())
		return errors.New("unavailable: Signing in does not work at the moment, try again soon")
	}
	a.Log.WarnContext(ctx, "sign-in with another provider refused", "event", e.TriggerSource, "code", known.Code, "cause", known.Cause)
	return fmt.Errorf("%s: %s", known.Code, known.Message)
}
