package feed

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// keyMemory is how long a process goes by a key that it has read: to read a secret costs
// money and a while, and a batch comes each second.
const keyMemory = time.Minute

// keyring remembers the write keys of feeds.
type keyring struct {
	mu   sync.Mutex
	keys map[string]readKey
}

type readKey struct {
	key string
	at  time.Time
}

// identify returns who the write key of a feed is. One that was remembered and is good no
// more is read anew: an operator has put another in its place.
func (k *keyring) identify(ctx context.Context, i *Intake, feed string) (access.Principal, error) {
	if key, ok := k.recall(feed, i.Now()); ok {
		writer, err := i.Authenticator.IdentifyKey(ctx, key)
		if !fault.Is(err, fault.Unauthenticated) {
			return writer, err
		}
	}
	found, err := i.Secrets.Get(ctx, secret.Deployment, KeySecret(feed))
	if err != nil {
		return access.Principal{}, err
	}
	key := strings.TrimSpace(string(found.Current.Reveal()))
	writer, err := i.Authenticator.IdentifyKey(ctx, key)
	if err == nil {
		k.remember(feed, readKey{key, i.Now()})
	}
	return writer, err
}

func (k *keyring) recall(feed string, now time.Time) (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.keys[feed]
	return known.key, ok && now.Sub(known.at) < keyMemory
}

func (k *keyring) remember(feed string, key readKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = map[string]readKey{}
	}
	k.keys[feed] = key
}
