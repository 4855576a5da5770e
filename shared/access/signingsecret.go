package access

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

const (
	signingMemory = time.Minute
	absentMemory  = 5 * time.Second // that there is none: made-up tokens cost no more reads
	signingBytes  = 32
)

// signingSecret remembers a secret of the deployment that tokens of ours are signed with.
// It must not be copied.
type signingSecret struct {
	mu    sync.Mutex
	known secret.Secret
	none  error     // there is none
	until time.Time // when it is read again
}

// get returns the secret of a name. Who makes the first token makes it, out of random
// bytes; without any, an absent one is fault.NotFound.
func (s *signingSecret) get(ctx context.Context, name secret.Name, from secret.Store, now time.Time, random io.Reader) (secret.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.until) && (s.none == nil || random == nil) {
		return s.known, s.none
	}
	found, err := from.Get(ctx, secret.Deployment, name)
	if fault.Is(err, fault.NotFound) && random != nil {
		found, err = makeSecret(ctx, name, from, random)
	}
	if fault.Is(err, fault.NotFound) {
		s.known, s.none, s.until = secret.Secret{}, err, now.Add(absentMemory)
		return s.known, s.none
	}
	if err != nil {
		return secret.Secret{}, err
	}
	if n := len(found.Current.Reveal()); n != signingBytes {
		return secret.Secret{}, fmt.Errorf("the secret %s has %d bytes", name, n)
	}
	s.known, s.none, s.until = found, nil, now.Add(signingMemory)
	return found, nil
}

// makeSecret stores a new secret, or returns the one that somebody else stored meanwhile.
func makeSecret(ctx context.Context, name secret.Name, in secret.Store, random io.Reader) (secret.Secret, error) {
	value := make([]byte, signingBytes)
	if _, err := io.ReadFull(random, value); err != nil {
		return secret.Secret{}, fmt.Errorf("random bytes for the secret %s: %w", name, err)
	}
	if err := in.Create(ctx, secret.Deployment, name, secret.New(value)); err != nil && !fault.Is(err, fault.Conflict) {
		return secret.Secret{}, err
	}
	return in.Get(ctx, secret.Deployment, name)
}
