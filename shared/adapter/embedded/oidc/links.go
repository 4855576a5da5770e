package oidc

import (
	"context"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/table"
)

func linkKey(who federation.Person) table.Key {
	return at("links", hashed(who.Issuer+"\n"+who.Subject))
}

// accountOf returns the account of whom another provider vouches for, which package
// federation decides.
func (p *Provider) accountOf(ctx context.Context, from federation.Provider, who federation.Person) (account, error) {
	a, err := p.linked(ctx, who)
	if fault.Is(err, fault.NotFound) {
		a, err = p.link(ctx, from, who)
	}
	if err != nil {
		return account{}, err
	}
	groups, err := from.Return(who, a.known())
	if err != nil {
		return account{}, err
	}
	return p.regroup(ctx, from, who, a, groups)
}

// known is what package federation decides by.
func (a account) known() federation.Account {
	return federation.Account{Groups: a.User.Groups, Disabled: a.User.Disabled, Waits: a.Once}
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
	if err := from.Claim(who, a.known(), p.now()); err != nil {
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
	groups, err := from.Enter(who)
	if err != nil {
		return account{}, err
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

// regroup gives the person the groups that the provider rules over, and takes them.
func (p *Provider) regroup(ctx context.Context, from federation.Provider, who federation.Person, a account, groups []string) (account, error) {
	if slices.Equal(groups, a.User.Groups) {
		return a, nil
	}
	err := p.users.changeWith(ctx, a.User.ID, func(now *account) (err error) {
		now.User.Groups, err = from.Return(who, now.known())
		a = *now
		return err
	})
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
