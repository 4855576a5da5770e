package access

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
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
	id, err := k.random(idLength / 2)
	if err != nil {
		return Key{}, "", err
	}
	random, err := k.random(randomBytes)
	if err != nil {
		return Key{}, "", err
	}
	secret := formatSecret(hex.EncodeToString(id), random)
	key := storedKey{
		Key:    Key{ID: hex.EncodeToString(id), KeySpec: spec, Created: now},
		Tenant: owner,
		Hash:   hashSecret(secret),
	}
	if err := k.put(ctx, key, table.Absent); err != nil {
		return Key{}, "", err
	}
	return key.Key, secret, nil
}

func (k Keys) random(bytes int) ([]byte, error) {
	random := make([]byte, bytes)
	if _, err := io.ReadFull(k.Random, random); err != nil {
		return nil, fmt.Errorf("random bytes for a key: %w", err)
	}
	return random, nil
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

// Get returns a tenant's key.
func (k Keys) Get(ctx context.Context, owner tenant.ID, id string) (Key, error) {
	key, err := k.ofTenant(ctx, owner, id)
	return key.Key, err
}

// Revoke ends a key; a revoked one stays revoked. Who has just seen the key may
// accept it a little longer: an Authenticator for KeyMemory, a gateway for as long as
// it remembers its authorizer's answers.
func (k Keys) Revoke(ctx context.Context, owner tenant.ID, id string) error {
	_, err := k.change(ctx, owner, id, func(key *storedKey) error {
		if key.Revoked.IsZero() {
			key.Revoked = k.Now().UTC().Truncate(time.Second)
		}
		return nil
	})
	return err
}

// MaxOverlap is how long the secret before a rotation can stay good.
const MaxOverlap = 30 * 24 * time.Hour

// Rotate gives a key a new secret, which it returns this once, and lets the one before
// be good for a while. That of an earlier rotation ends.
func (k Keys) Rotate(ctx context.Context, owner tenant.ID, id string, overlap time.Duration) (Key, string, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Key{}, "", fault.New(fault.Invalid, "bad_overlap", "the secret before can stay good for 0 to %d seconds", int(MaxOverlap.Seconds()))
	}
	random, err := k.random(randomBytes)
	if err != nil {
		return Key{}, "", err
	}
	secret, now := formatSecret(id, random), k.Now().UTC().Truncate(time.Second)
	key, err := k.change(ctx, owner, id, func(key *storedKey) error {
		if !key.Revoked.IsZero() || key.principal().expired(now) {
			return fault.New(fault.Conflict, "key_ended", "the key is revoked or has expired").WithHint("make a new one with POST /v1/keys")
		}
		key.OldHash, key.Hash = key.Hash, hashSecret(secret)
		key.Rotated, key.OldUntil = now, now.Add(overlap)
		return nil
	})
	return key.Key, secret, err
}

func (k Keys) ofTenant(ctx context.Context, owner tenant.ID, id string) (storedKey, error) {
	if id == "" {
		return storedKey{}, errNoKey(id)
	}
	key, err := k.get(ctx, table.Key{Partition: ofTenant(owner), Sort: id})
	if fault.Is(err, fault.NotFound) {
		err = errNoKey(id)
	}
	return key, err
}

// change applies f to a key, again if somebody else changed it meanwhile.
func (k Keys) change(ctx context.Context, owner tenant.ID, id string, f func(*storedKey) error) (storedKey, error) {
	const tries = 5
	var conflict error
	for range tries {
		key, err := k.ofTenant(ctx, owner, id)
		if err == nil {
			err = f(&key)
		}
		if err != nil {
			return storedKey{}, err
		}
		was := table.Equal(revision, revisionOf(key))
		key.Revision++
		if err := k.put(ctx, key, was); !fault.Is(err, fault.Conflict) {
			return key, err
		} else {
			conflict = err
		}
	}
	return storedKey{}, conflict
}

// revisionOf is empty for a key as it was made.
func revisionOf(key storedKey) string {
	if key.Revision == 0 {
		return ""
	}
	return strconv.Itoa(key.Revision)
}

func errNoKey(id string) error {
	return fault.New(fault.NotFound, "key_not_found", "there is no key %.40q", id)
}

// Principal returns what a tenant's key stands for, by the principal's id, for what is done
// in its name later. Of one that is not in use any more it is fault.Unauthenticated.
func (k Keys) Principal(ctx context.Context, owner tenant.ID, id string) (Principal, error) {
	key, err := k.ofTenant(ctx, owner, strings.TrimPrefix(id, keyPrefix))
	if fault.Is(err, fault.NotFound) || err == nil && (!key.Revoked.IsZero() || key.principal().expired(k.Now())) {
		return Principal{}, errUnknownKey()
	}
	return key.principal(), err
}

// Identify returns the principal that the secret stands for. An unknown, a
// revoked and an expired one are the same fault.Unauthenticated, so that nobody
// learns which keys exist.
func (k Keys) Identify(ctx context.Context, secret string) (Principal, error) {
	key, err := k.recognise(ctx, secret)
	if err != nil {
		return Principal{}, err
	}
	return key.principal(), nil
}

func (k Keys) recognise(ctx context.Context, secret string) (storedKey, error) {
	id, ok := parseSecret(secret)
	if !ok {
		return storedKey{}, errUnknownKey()
	}
	key, err := k.get(ctx, byID(id))
	if fault.Is(err, fault.NotFound) {
		return storedKey{}, errUnknownKey()
	}
	if err != nil {
		return storedKey{}, err
	}
	if !key.has(secret, k.Now()) || !key.Revoked.IsZero() || key.principal().expired(k.Now()) {
		return storedKey{}, errUnknownKey()
	}
	return key, nil
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
	var attributes map[string]string
	if now := revisionOf(key); now != "" {
		attributes = map[string]string{revision: now}
	}
	return k.Table.Commit(ctx,
		table.Put(table.Item{Key: byID(key.ID), Attributes: attributes, Body: body}).If(condition),
		table.Put(table.Item{Key: table.Key{Partition: ofTenant(key.Tenant), Sort: key.ID}, Attributes: attributes, Body: body}).If(condition))
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
