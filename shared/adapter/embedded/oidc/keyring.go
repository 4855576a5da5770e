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

	"github.com/tarnhq/tarn/shared/table"
)

// A key signs for keyLife; it stays published until the last token that it signed
// has expired.
const (
	keyLife = 90 * 24 * time.Hour
	keyBits = 2048
)

// keyring holds the signing keys, in the order they were made: the last one signs.
// It replaces a key that grew old when next it signs.
type keyring struct {
	table table.Table
	now   func() time.Time

	mu   sync.Mutex
	keys []signingKey
}

type signingKey struct {
	JWK     jose.JSONWebKey // private
	Made    time.Time
	Retired time.Time // no longer published from then on; zero: the current key
}

func openKeyring(ctx context.Context, c Config) (*keyring, error) {
	k := &keyring{table: c.Table, now: c.Now}
	page, err := c.Table.List(ctx, table.Query{Partition: at("keys", "-").Partition})
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	for _, item := range page.Items {
		var key signingKey
		if err := json.Unmarshal(item.Body, &key); err != nil {
			return nil, fmt.Errorf("signing key %s: %w", item.Key.Sort, err)
		}
		k.keys = append(k.keys, key)
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

// rotate makes a key and retires the one before.
func (k *keyring) rotate(ctx context.Context) error {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	now := k.now().UTC()
	made := signingKey{
		JWK:  jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"},
		Made: now,
	}
	kept := make([]signingKey, 0, len(k.keys)+1)
	writes := make([]table.Write, 0, 2)
	for _, key := range k.keys {
		if key.Retired.IsZero() {
			key.Retired = now.Add(tokenLife)
			if writes, err = appendKey(writes, key); err != nil {
				return err
			}
		}
		kept = append(kept, key)
	}
	if writes, err = appendKey(writes, made); err != nil {
		return err
	}
	if err := k.table.Commit(ctx, writes...); err != nil {
		return err
	}
	k.keys = append(kept, made)
	return nil
}

func appendKey(writes []table.Write, key signingKey) ([]table.Write, error) {
	body, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	name := key.Made.Format("20060102T150405.000000000Z") // sorts by time
	return append(writes, table.Put(table.Item{Key: at("keys", name), Body: body, Expires: key.Retired})), nil
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
