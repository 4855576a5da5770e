package vault

import (
	"maps"

	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Rotate makes a new key, seals everything under it and forgets the one before. Where it
// is broken off, the next Open finishes it: the file of keys holds both until the file of
// secrets needs only one.
func (v *Vault) Rotate() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.finish(); err != nil { // an earlier attempt that failed
		return err
	}
	both := keyring{newKey(), *v.keys.newest()}
	if err := both.store(v.Disk, v.Key); err != nil {
		return err
	}
	v.keys = both
	return v.finish()
}

// finish seals under the newest key what is not, and forgets the others.
func (v *Vault) finish() error {
	if len(v.keys) == 1 {
		return nil
	}
	file, err := v.load()
	if err != nil {
		return err
	}
	if newest := v.keys.newest(); file.Key != "" && file.Key != newest.id {
		if err := v.reseal(file, newest); err != nil {
			return err
		}
	}
	only := v.keys[:1:1]
	if err := only.store(v.Disk, v.Key); err != nil {
		return err
	}
	v.keys = only
	return nil
}

// reseal stores everything under another key.
func (v *Vault) reseal(file contents, under *key) error {
	next := contents{Key: under.id, Secrets: maps.Clone(file.Secrets)}
	for t, own := range next.Secrets {
		next.Secrets[t] = maps.Clone(own)
		for name, e := range own {
			opened, err := e.open(v.keys.find(file.Key), t, name)
			if err != nil {
				return err
			}
			next.Secrets[t][name] = sealed(opened, under, t, name, e.Version)
		}
	}
	return v.store(next)
}

func sealed(s secret.Secret, under *key, t tenant.ID, name secret.Name, version uint64) envelope {
	e := envelope{Version: version, Current: under.seal(place{t, name, version}, s.Current)}
	if s.Previous.Reveal() != nil {
		e.Previous = under.seal(place{t, name, version - 1}, s.Previous)
	}
	return e
}
