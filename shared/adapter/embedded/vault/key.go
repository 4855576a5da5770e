package vault

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// keyBytes is the length of a key of AES-256.
const keyBytes = 32

// key seals values.
type key struct {
	id    string
	value secret.Value
}

// keyring is the file of keys, the newest first: one, and two while a rotation is under
// way.
type keyring []key

func (r keyring) newest() *key { return &r[0] }

// find returns the key of an id, or nil.
func (r keyring) find(id string) *key {
	for i := range r {
		if r[i].id == id {
			return &r[i]
		}
	}
	return nil
}

// storedKey is a key as the file has it.
type storedKey struct {
	ID  string `json:"id"`
	Key []byte `json:"key"`
}

func newKey() key {
	value := make([]byte, keyBytes)
	_, _ = rand.Read(value) // never fails
	return key{rand.Text(), secret.New(value)}
}

// makeKeys makes a file with one key.
func makeKeys(d disk.FS, path string) (keyring, error) {
	made := keyring{newKey()}
	return made, made.store(d, path)
}

// loadKeys reads the file, unless others than its owner could. Syncing its folder first
// makes durable what is then believed: who made it may have died before.
func loadKeys(d disk.FS, path string) (keyring, error) {
	if err := d.SyncDir(filepath.Dir(path)); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "key_file_unreadable", err)
	}
	info, err := d.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fault.New(fault.Denied, "key_file_open", "the key file %s has mode %04o: others than its owner may use it", path, mode).
			WithHint("chmod 600 %s, and rotate the key if somebody may have read it", path)
	}
	text, err := disk.ReadFile(d, path)
	if err != nil {
		return nil, err
	}
	var stored []storedKey
	if err := json.Unmarshal(text, &stored); err != nil || len(stored) == 0 {
		return nil, fmt.Errorf("%s is no key file", path) // the cause might quote a key
	}
	keys := make(keyring, len(stored))
	for i, s := range stored {
		if len(s.Key) != keyBytes || s.ID == "" {
			return nil, fmt.Errorf("%s holds a key of %d bytes", path, len(s.Key))
		}
		keys[i] = key{s.ID, secret.New(s.Key)}
	}
	return keys, nil
}

func (r keyring) store(d disk.FS, path string) error {
	stored := make([]storedKey, len(r))
	for i, k := range r {
		stored[i] = storedKey{k.id, k.value.Reveal()}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	if err := replace(d, path, text); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return nil
}

// replace stores a file in the place of another, if there is one: after a power cut
// there is the one or the other. The new one is its owner's alone.
func replace(d disk.FS, path string, text []byte) error {
	fresh := path + ".new"
	if err := d.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := disk.WriteFile(d, fresh, text); err != nil {
		return err
	}
	if err := d.Rename(fresh, path); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}
