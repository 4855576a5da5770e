package oidc

import (
	"context"
	"io"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// seeds keeps what apps make codes from, behind the port of secrets: an account names its
// seed and does not hold it. Each has an id of its own, so that none is ever shown again.
type seeds struct {
	secrets secret.Store
	random  io.Reader
}

func (s seeds) name(user, id string) secret.Name {
	return secret.Name("oidc/factor/" + user + "/" + id)
}

// create stores a seed, or makes one if it is nil, and returns its id.
func (s seeds) create(ctx context.Context, user string, seed []byte) (id string, made []byte, err error) {
	if seed == nil {
		seed = make([]byte, totpSecret)
		if _, err := io.ReadFull(s.random, seed); err != nil {
			return "", nil, err
		}
	}
	text, err := newSecret(s.random)
	if err != nil {
		return "", nil, err
	}
	id = text[:16]
	return id, seed, s.secrets.Create(ctx, secret.Deployment, s.name(user, id), secret.New(seed))
}

func (s seeds) get(ctx context.Context, user, id string) ([]byte, error) {
	found, err := s.secrets.Get(ctx, secret.Deployment, s.name(user, id))
	if fault.Is(err, fault.NotFound) { // the account names it: whoever is asked for a code has a seed
		err = fault.New(fault.Internal, "no_seed", "the seed of a second factor is gone").Because(err)
	}
	return found.Current.Reveal(), err
}

// clear deletes a person's seeds.
func (s seeds) clear(ctx context.Context, user string) error {
	all, err := s.secrets.List(ctx, secret.Deployment)
	if err != nil {
		return err
	}
	for _, name := range all {
		if !strings.HasPrefix(string(name), string(s.name(user, ""))) {
			continue
		}
		if err := s.secrets.Delete(ctx, secret.Deployment, name); err != nil {
			return err
		}
	}
	return nil
}
