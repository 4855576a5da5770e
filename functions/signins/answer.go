package signins

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
)

func (a Answers) answer(ctx context.Context, e event, raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case e.TriggerSource == adminCreates:
		return raw, nil
	case e.TriggerSource == firstTime:
		return nil, a.join(ctx, e)
	case strings.HasPrefix(e.TriggerSource, tokens):
		return a.regroup(ctx, e, raw)
	}
	return nil, fault.New(fault.Denied, "sign_up", "Nobody signs up here. Ask an administrator to invite you.")
}

// joinedError tells the client to begin anew: the provider's person has an account now, and
// Cognito, which was about to make another, looks for it only then.
type joinedError struct{ provider string }

// Error implements error. The page knows this text (console/session.js).
func (e joinedError) Error() string { return "joined " + e.provider + ": sign in again" }

// join answers the first sign-in of whom the pool does not know. It never lets Cognito make
// an account: it links the person to one that waits for them, and refuses with joinedError.
func (a Answers) join(ctx context.Context, e event) error {
	p, subject, err := a.provider(e.UserName)
	if err != nil {
		return err
	}
	who, err := federation.AssertedBy(p.Name, subject, e.Request.UserAttributes)
	if err != nil {
		return err
	}
	pool := a.Open(e.UserPoolID)
	user, err := a.claim(ctx, pool, p, who)
	if err != nil {
		return err
	}
	if err := pool.Link(ctx, user.ID, p.Name, who.Subject); err != nil {
		return err
	}
	if err := pool.EndInvitation(ctx, user.ID); err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "person of another provider joined", "provider", p.Name, "user", user.ID)
	return joinedError{p.Name}
}

// provider finds whom a name of the form provider_subject is of. Pools that do not mind
// the case of names write it in small letters.
func (a Answers) provider(name string) (federation.Provider, string, error) {
	prefix, subject, _ := strings.Cut(name, "_")
	for name, rules := range a.Rules {
		if strings.EqualFold(name, prefix) {
			return federation.Provider{Name: name, Rules: rules}, subject, nil
		}
	}
	return federation.Provider{}, "", errStranger()
}

// claim returns the account that a person may have. One that it makes is an invitation
// like others, which the next try finds should this one go no further.
func (a Answers) claim(ctx context.Context, pool Directory, p federation.Provider, who federation.Person) (identity.User, error) {
	user, waits, err := pool.Waiting(ctx, who.Email)
	if fault.Is(err, fault.NotFound) {
		groups, err := p.Enter(who)
		if err != nil {
			return identity.User{}, err
		}
		user, _, err = pool.Invite(ctx, who.Email, groups)
		return user, err
	}
	if err != nil {
		return identity.User{}, err
	}
	return user, p.Claim(who, federation.Account{Groups: user.Groups, Disabled: user.Disabled, Waits: waits}, a.Now())
}

// regroup answers whenever tokens are issued: the rules hold each time anew. Of whom no
// provider vouches for, nothing is asked.
func (a Answers) regroup(ctx context.Context, e event, raw json.RawMessage) (json.RawMessage, error) {
	linked, err := identities(e.Request.UserAttributes["identities"])
	if err != nil || len(linked) == 0 {
		return raw, err
	}
	if len(linked) > 1 { // by which of them they came Cognito does not tell, nor whose the groups are
		return nil, fault.New(fault.Denied, "two_providers", "Your account is linked with several providers. Ask an administrator to reset it.")
	}
	rules, ok := a.Rules[linked[0].Provider]
	if !ok {
		return nil, errStranger()
	}
	p := federation.Provider{Name: linked[0].Provider, Rules: rules}
	who, err := federation.AssertedBy(p.Name, linked[0].Subject, e.Request.UserAttributes)
	if err != nil {
		return nil, err
	}
	had := e.Request.GroupConfiguration.GroupsToOverride
	groups, err := p.Return(who, federation.Account{Groups: had})
	if err != nil {
		return nil, err
	}
	pool := a.Open(e.UserPoolID)
	if e.Request.UserAttributes["cognito:user_status"] == "FORCE_CHANGE_PASSWORD" { // join was cut off
		if err := pool.EndInvitation(ctx, e.UserName); err != nil {
			return nil, err
		}
	}
	if slices.Equal(groups, had) {
		return raw, nil
	}
	if err := pool.SetGroups(ctx, e.UserName, groups); err != nil {
		return nil, err
	}
	return withGroups(raw, groups)
}

// link is one of the entries that Cognito keeps of a linked user.
type link struct {
	Subject  string `json:"userId"`
	Provider string `json:"providerName"`
}

func identities(text string) (all []link, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &all)
	}
	return all, err
}

// withGroups returns an event whose answer has other groups put into both tokens (version 2
// of the event).
func withGroups(raw json.RawMessage, groups []string) (json.RawMessage, error) {
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, err
	}
	response, err := json.Marshal(map[string]any{"claimsAndScopeOverrideDetails": map[string]any{
		"groupOverrideDetails": map[string]any{"groupsToOverride": append([]string{}, groups...)},
	}})
	if err != nil {
		return nil, err
	}
	whole["response"] = response
	return json.Marshal(whole)
}

func errStranger() error {
	return fault.New(fault.Denied, "provider_unknown", "Nobody signs in here with such a provider.")
}
