package oidc

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Reset takes a user back to their invitation. Their seed goes last: an account names it
// until then.
func (p *Provider) Reset(ctx context.Context, id string) (string, error) {
	password, err := newOneTime(p.users.random)
	if err != nil {
		return "", err
	}
	hash, err := p.users.hashPassword(ctx, password)
	if err != nil {
		return "", err
	}
	was, err := p.users.get(ctx, id)
	if err != nil {
		return "", err
	}
	err = p.users.changeWith(ctx, id, func(a *account) error {
		if !slices.Equal(a.Links, was.Links) {
			return fault.New(fault.Conflict, "user_changed", "the user was changed at the same time").WithHint("try again")
		}
		now := p.now().UTC()
		a.Password, a.Once, a.SignedOut = hash, now.Add(inviteLife), now
		a.Factor, a.Links = factor{}, nil
		return nil
	}, unlink(was)...)
	if err != nil {
		return "", err
	}
	return password, p.seeds.clear(ctx, id)
}

// unlink has nobody known as a user any more.
func unlink(a account) (writes []table.Write) {
	for _, link := range a.Links {
		writes = append(writes, table.Delete(at("links", link)))
	}
	return writes
}
