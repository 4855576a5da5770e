package oidc

import (
	"context"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/table"
)

// A person of another provider is known by issuer and subject, for ever: an address can
// be given to somebody else. Only the first time does the address decide, if it is proven,
// and then it leads to an account that nobody has signed in to yet.

func linkKey(who federation.Person) table.Key {
	return at("links", hashed(who.Issuer+"\n"+who.Subject))
}

// accountOf returns the account of whom another provider vouches for.
func (p *Provider) accountOf(ctx context.Context, from federation.Provider, who federation.Person) (account, error) {
	a, err := p.linked(ctx, who)
	known := err == nil
	if !known && !fault.Is(err, fault.NotFound) {
		return account{}, err
	}
	if err := from.Admit(who, known); err != nil {
		return account{}, err
	}
	if !known {
		if a, err = p.link(ctx, from, who); err != nil {
			return account{}, err
		}
	}
	if a.User.Disabled {
		return account{}, errDisabled()
	}
	if err := p.serves(from, a); err != nil {
		return account{}, err
	}
	return p.regroup(ctx, from, who, a)
}

// linked returns the account that a person was linked to, or fault.NotFound.
func (p *Provider) linked(ctx context.Context, who federation.Person) (account, error) {
	item, err := p.users.table.Get(ctx, linkKey(who))
	if err != nil {
		return account{}, err
	}
	return p.users.get(ctx, string(item.Body))
}

// link connects a person with the account that waits for their address, or makes one.
func (p *Provider) link(ctx context.Context, from federation.Provider, who federation.Person) (account, error) {
	a, err := p.users.find(ctx, who.Email)
	if fault.Is(err, fault.NotFound) {
		return p.admit(ctx, from, who)
	}
	if err != nil {
		return account{}, err
	}
	switch {
	case a.User.Disabled:
		return account{}, errDisabled()
	case a.Once.IsZero(): // its owner has signed in, and did not ask for this
		return account{}, fault.New(fault.Denied, "account_exists", "There is an account with your e-mail address already. Sign in to it as before.")
	case !p.now().Before(a.Once):
		return account{}, fault.New(fault.Denied, "invitation_expired", "Your invitation has expired. Ask for another one.")
	}
	if err := p.serves(from, a); err != nil {
		return account{}, err
	}
	linked := account{}
	err = p.users.changeWith(ctx, a.User.ID, func(now *account) error {
		if now.Once.IsZero() || now.User.Email != a.User.Email {
			return errOvertaken()
		}
		now.Once, now.Password = time.Time{}, p.users.cost // which no password matches
		now.Links = append(now.Links, linkKey(who).Sort)
		linked = *now
		return nil
	}, linkTo(who, a.User.ID))
	return linked, overtakenLink(err)
}

// admit makes an account for a person whom nobody invited, where the provider may do so.
func (p *Provider) admit(ctx context.Context, from federation.Provider, who federation.Person) (account, error) {
	groups, ok := from.Uninvited(who)
	if !ok {
		return account{}, fault.New(fault.Denied, "not_invited", "Nobody has invited you yet. Ask an administrator to invite %s.", who.Email)
	}
	if err := checkEmail(who.Email); err != nil {
		return account{}, err
	}
	id, err := newSecret(p.users.random)
	if err != nil {
		return account{}, err
	}
	a := account{User: identity.User{ID: id[:32], Email: who.Email, Groups: groups}, Password: p.users.cost, Links: []string{linkKey(who).Sort}}
	return a, overtakenLink(p.users.add(ctx, a, linkTo(who, a.User.ID)))
}

func linkTo(who federation.Person, user string) table.Write {
	return table.Put(table.Item{Key: linkKey(who), Body: []byte(user)})
}

// serves returns fault.Denied for a person of a tenant that the provider is not for.
func (p *Provider) serves(from federation.Provider, a account) error {
	m, err := access.MembershipOf(a.User.Groups)
	if err == nil && !from.Serves(m.Tenant) {
		err = fault.New(fault.Denied, "wrong_tenant", "%s is not how people of your workspace sign in.", from.Title())
	}
	return err
}

// regroup gives the person the groups that the provider rules over, and takes them.
func (p *Provider) regroup(ctx context.Context, from federation.Provider, who federation.Person, a account) (account, error) {
	groups := from.Mapped(a.User.Groups, who)
	if slices.Equal(groups, a.User.Groups) {
		return a, nil
	}
	err := p.users.change(ctx, a.User.ID, func(now *account) { now.User.Groups = from.Mapped(now.User.Groups, who) })
	a.User.Groups = groups
	return a, err
}

// overtakenLink names what it means that the account changed meanwhile.
func overtakenLink(err error) error {
	if fault.Is(err, fault.Conflict) {
		return errOvertaken()
	}
	return err
}

func errOvertaken() error {
	return fault.New(fault.Denied, "overtaken", "Your account was changed at the same time. Try again.")
}

func errDisabled() error {
	return fault.New(fault.Denied, "disabled", "This account is disabled. Ask an administrator to enable it.")
}
