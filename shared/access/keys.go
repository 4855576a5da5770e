package access

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Keys issues API keys and recognises them. A key is kept twice: by its id, to be
// recognised by whoever brings it, and under its tenant, to be listed.
type Keys struct {
	Table  table.Table
	Now    func() time.Time
	Random io.Reader // crypto/rand.Reader, but for tests
}

// Create makes a key. The secret is returned this once and kept only as a hash.
func (k Keys) Create(ctx context.Context, owner tenant.ID, spec KeySpec) (Key, string, error) {
	now := k.Now().UTC().Truncate(time.Second)
	if err := spec.check(now); err != nil {
		return Key{}, "", err
	}
	random := make([]byte, idLength/2+randomBytes)
	if _, err := io.ReadFull(k.Random, random); err != nil {
		return Key{}, "", fmt.Errorf("random bytes for a key: %w", err)
	}
	id := hex.EncodeToString(random[:idLength/2])
	secret := formatSecret(id, random[idLength/2:])
	key := storedKey{
		Key:    Key{ID: id, KeySpec: spec, Created: now},
		Tenant: owner,
		Hash:   hashSecret(secret),
	}
	if err := k.put(ctx, key, table.Absent); err != nil {
		return Key{}, "", err
	}
	return key.Key, secret, nil
}

// List returns a page of the tenant's keys, revoked ones included, in no
// particular order; next continues.
func (k Keys) List(ctx context.Context, owner tenant.ID, next string, limit int) (keys []Key, more string, err error) {
	page, err := k.Table.List(ctx, table.Query{Partition: ofTenant(owner), Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	keys = make([]Key, 0, len(page.Items))
	for _, item := range page.Items {
		key, err := decodeKey(item)
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, key.Key)
	}
	return keys, page.Next, nil
}

// Revoke ends a key; a revoked one stays revoked. Who has just seen the key may
// accept it a little longer: an Authenticator for KeyMemory, a gateway for as long as
// it remembers its authorizer's answers.
func (k Keys) Revoke(ctx context.Context, owner tenant.ID, id string) error {
	key, err := k.get(ctx, table.Key{Partition: ofTenant(owner), Sort: id})
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "key_not_found", "there is no key %.40q", id)
	}
	if err != nil || !key.Revoked.IsZero() {
		return err
	}
	key.Revoked = k.Now().UTC().Truncate(time.Second)
	return k.put(ctx, key, table.Present)
}

// Identify returns the principal that the secret stands for. An unknown, a
// revoked and an expired one are the same fault.Unauthenticated, so that nobody
// learns which keys exist.
func (k Keys) Identify(ctx context.Context, secret string) (Principal, error) {
	id, ok := parseSecret(secret)
	if !ok {
		return Principal{}, errUnknownKey()
	}
	key, err := k.get(ctx, byID(id))
	if fault.Is(err, fault.NotFound) {
		return Principal{}, errUnknownKey()
	}
	if err != nil {
		return Principal{}, err
	}
	same := subtle.ConstantTimeCompare(key.Hash, hashSecret(secret)) == 1
	if !same || !key.Revoked.IsZero() || key.principal().expired(k.Now()) {
		return Principal{}, errUnknownKey()
	}
	return key.principal(), nil
}

func (k Keys) get(ctx context.Context, at table.Key) (storedKey, error) {
	item, err := k.Table.Get(ctx, at)
	if err != nil {
		return storedKey{}, err
	}
	return decodeKey(item)
}

func (k Keys) put(ctx context.Context, key storedKey, condition table.Condition) error {
	body, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return k.Table.Commit(ctx,
		table.Put(table.Item{Key: byID(key.ID), Body: body}).If(condition),
		table.Put(table.Item{Key: table.Key{Partition: ofTenant(key.Tenant), Sort: key.ID}, Body: body}).If(condition))
}

func decodeKey(item table.Item) (storedKey, error) {
	var key storedKey
	if err := json.Unmarshal(item.Body, &key); err != nil {
		return storedKey{}, fmt.Errorf("key %s: %w", item.Key.Sort, err)
	}
	return key, nil
}

// byID spreads keys over partitions, because every request may read one.
func byID(id string) table.Key { return table.Key{Partition: "keys/id/" + id, Sort: "key"} }

func ofTenant(owner tenant.ID) string { return "keys/tenant/" + string(owner) }

func errUnknownKey() error {
	return fault.New(fault.Unauthenticated, "unknown_key", "this is not a key in use").
		WithHint("check that the whole key was copied; it may have been revoked or have expired")
}
