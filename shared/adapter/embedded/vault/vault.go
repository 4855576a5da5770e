// Package vault is the embedded implementation of port secret: one file in which every
// value is sealed by itself, AES-256-GCM with a random nonce. Tenant, name and version
// are authenticated with it, so that a value that is moved to another name opens for
// nobody. The key is in a file outside of the data folder, which only its owner may
// read: who has the folder, or a copy of it, has no secret. Against an older copy of the
// whole file there is no protection.
package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Config says where a Vault lives.
type Config struct {
	Disk  disk.FS
	Space *disk.Space // guards the disk's reserve
	Path  string      // of the file of sealed values; its folder is there
	Key   string      // of the file of keys, in another folder that is there
}

// Vault is a secret.Store in a file. Values are opened when they are asked for, and not
// kept.
type Vault struct {
	Config

	mu   sync.Mutex
	keys keyring
	file *contents // as it is on disk; nil: not known
}

var _ secret.Store = (*Vault)(nil)

// format is the version of the file.
const format = 1

// contents is the file.
type contents struct {
	Format  int                                    `json:"format"`
	Key     string                                 `json:"key"` // the id of the one that seals
	Secrets map[tenant.ID]map[secret.Name]envelope `json:"secrets"`
}

// envelope is one secret. Of the previous value the version is one less.
type envelope struct {
	Version  uint64 `json:"version"` // from 1 on
	Current  []byte `json:"current"`
	Previous []byte `json:"previous,omitempty"`
}

// Open opens the file, and makes a key where there are neither key nor file. A key that
// others may read is refused, and so is a file whose key is absent. A rotation of the key
// that was broken off is finished.
func Open(c Config) (*Vault, error) {
	v := &Vault{Config: c}
	file, err := v.load()
	if err != nil {
		return nil, err
	}
	v.keys, err = loadKeys(c.Disk, c.Key)
	switch absent := errors.Is(err, fs.ErrNotExist); {
	case absent && file.Key == "":
		v.keys, err = makeKeys(c.Disk, c.Key)
	case absent:
		err = fault.New(fault.NotFound, "key_file_missing", "%s is sealed, and its key %s is not there", c.Path, c.Key).
			WithHint("bring the key file back; without it, remove %s: people then sign in and set up their second factor anew", c.Path)
	}
	if err != nil {
		return nil, err
	}
	if file.Key != "" && v.keys.find(file.Key) == nil {
		return nil, fault.New(fault.NotFound, "key_wrong", "%s is sealed under the key %s, which %s does not hold", c.Path, file.Key, c.Key)
	}
	return v, v.finish()
}

// load reads the file. Syncing its folder first makes durable what is then believed.
func (v *Vault) load() (contents, error) {
	if v.file != nil {
		return *v.file, nil
	}
	if err := v.Disk.SyncDir(filepath.Dir(v.Path)); err != nil {
		return contents{}, fault.Wrap(fault.Unavailable, "secrets_unreadable", err)
	}
	text, err := disk.ReadFile(v.Disk, v.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return contents{}, nil
	}
	if err != nil {
		return contents{}, fault.Wrap(fault.Unavailable, "secrets_unreadable", err)
	}
	var file contents
	if err := json.Unmarshal(text, &file); err != nil {
		return contents{}, fmt.Errorf("%s is damaged: %w", v.Path, err)
	}
	if file.Format != format {
		return contents{}, fmt.Errorf("%s has format %d, which this program does not know", v.Path, file.Format)
	}
	v.file = &file
	return file, nil
}

// store replaces the file. After an error the file is read again.
func (v *Vault) store(file contents) error {
	file.Format = format
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	if err := v.Space.Take(len(text)); err != nil {
		return err
	}
	v.file = nil
	if err := replace(v.Disk, v.Path, text); err != nil {
		return fault.Wrap(fault.Unavailable, "secrets_unwritable", err)
	}
	v.file = &file
	return nil
}

// change stores what f makes of one secret, or removes it if f returns nil.
func (v *Vault) change(t tenant.ID, name secret.Name, f func(was envelope, there bool) (*envelope, error)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.finish(); err != nil { // of a rotation: there is one key for all
		return err
	}
	file, err := v.load()
	if err != nil {
		return err
	}
	was, there := file.Secrets[t][name]
	made, err := f(was, there)
	if err != nil || made == nil && !there {
		return err
	}
	next := contents{Key: v.keys.newest().id, Secrets: maps.Clone(file.Secrets)}
	if next.Secrets == nil {
		next.Secrets = map[tenant.ID]map[secret.Name]envelope{}
	}
	own := maps.Clone(next.Secrets[t])
	if own == nil {
		own = map[secret.Name]envelope{}
	}
	if made == nil {
		delete(own, name)
	} else {
		own[name] = *made
	}
	next.Secrets[t] = own
	return v.store(next)
}

// Create implements secret.Store.
func (v *Vault) Create(_ context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	return v.put(t, name, value, true)
}

// Put implements secret.Store.
func (v *Vault) Put(_ context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	return v.put(t, name, value, false)
}

func (v *Vault) put(t tenant.ID, name secret.Name, value secret.Value, absent bool) error {
	if err := secret.CheckValue(t, name, value); err != nil {
		return err
	}
	return v.change(t, name, func(was envelope, there bool) (*envelope, error) {
		if there && absent {
			return nil, fault.New(fault.Conflict, "secret_taken", "there is a secret %s already", name)
		}
		next := envelope{Version: was.Version + 1, Previous: was.Current}
		next.Current = v.keys.newest().seal(place{t, name, next.Version}, value)
		return &next, nil
	})
}

// Delete implements secret.Store.
func (v *Vault) Delete(_ context.Context, t tenant.ID, name secret.Name) error {
	if err := secret.Check(t, name); err != nil {
		return err
	}
	return v.change(t, name, func(envelope, bool) (*envelope, error) { return nil, nil })
}

// Get implements secret.Store.
func (v *Vault) Get(_ context.Context, t tenant.ID, name secret.Name) (secret.Secret, error) {
	if err := secret.Check(t, name); err != nil {
		return secret.Secret{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	file, err := v.load()
	if err != nil {
		return secret.Secret{}, err
	}
	found, there := file.Secrets[t][name]
	if !there {
		return secret.Secret{}, secret.NotFound(name)
	}
	return found.open(v.keys.find(file.Key), t, name)
}

// List implements secret.Store.
func (v *Vault) List(_ context.Context, t tenant.ID) ([]secret.Name, error) {
	if err := secret.CheckOwner(t); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	file, err := v.load()
	return slices.Sorted(maps.Keys(file.Secrets[t])), err
}
