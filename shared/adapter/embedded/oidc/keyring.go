package oidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// A key signs for keyLife; it stays published until the last token that it signed
// has expired.
const (
	keyLife = 90 * 24 * time.Hour
	keyBits = 2048
)

// keysName is the secret that holds the signing keys, as JSON.
const keysName secret.Name = "oidc/signing"

// keyring holds the signing keys, in the order they were made: the last one signs.
// It replaces a key that grew old when next it signs.
type keyring struct {
	secrets secret.Store
	now     func() time.Time

	mu   sync.Mutex
	keys []signingKey
}

type signingKey struct {
	JWK     jose.JSONWebKey // private
	Made    time.Time
	Retired time.Time // no longer published from then on; zero: the current key
}

func openKeyring(ctx context.Context, c Config) (*keyring, error) {
	k := &keyring{secrets: c.Secrets, now: c.Now}
	kept, err := c.Secrets.Get(ctx, secret.Deployment, keysName)
	if err == nil {
		err = json.Unmarshal(kept.Current.Reveal(), &k.keys)
	} else if fault.Is(err, fault.NotFound) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	_, err = k.current(ctx)
	return k, err
}

// current returns the key to sign with.
func (k *keyring) current(ctx context.Context) (signingKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.keys); n > 0 && k.now().Sub(k.keys[n-1].Made) < keyLife {
		return k.keys[n-1], nil
	}
	if err := k.rotate(ctx); err != nil {
		return signingKey{}, fmt.Errorf("new signing key: %w", err)
	}
	return k.keys[len(k.keys)-1], nil
}

// rotate makes a key, retires the one before and forgets those whose tokens have expired.
func (k *keyring) rotate(ctx context.Context) error {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	now := k.now().UTC()
	kept := make([]signingKey, 0, len(k.keys)+1)
	for _, key := range k.keys {
		if key.Retired.IsZero() {
			key.Retired = now.Add(tokenLife)
		}
		if now.Before(key.Retired) {
			kept = append(kept, key)
		}
	}
	kept = append(kept, signingKey{
		JWK:  jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"},
		Made: now,
	})
	if err := storeKeys(ctx, k.secrets, kept); err != nil {
		return err
	}
	k.keys = kept
	return nil
}

func storeKeys(ctx context.Context, secrets secret.Store, keys []signingKey) error {
	text, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	return secrets.Put(ctx, secret.Deployment, keysName, secret.New(text))
}

// public returns what verifiers may know.
func (k *keyring) public() jose.JSONWebKeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, key := range k.keys {
		if key.Retired.IsZero() || k.now().Before(key.Retired) {
			set.Keys = append(set.Keys, key.JWK.Public())
		}
	}
	return set
}

// sign returns the claims as a token.
func (k *keyring) sign(ctx context.Context, claims any) (string, error) {
	key, err := k.current(ctx)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key.JWK}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}
