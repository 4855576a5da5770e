// Package profile keeps the servers that a person works with, and what gets them in, in
// one file of their own. Whoever changes it holds its lock, so that of two programs that
// refresh a token at the same time the second finds the new one.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Profile is one server and what gets a person in there: a key, or tokens of a sign-in.
type Profile struct {
	URL    string  `json:"url"`
	Key    string  `json:"key,omitempty"`
	CA     string  `json:"ca,omitempty"` // file of a certificate to trust beside the system's
	Tokens *Tokens `json:"tokens,omitempty"`
}

// Tokens are what a sign-in gave.
type Tokens struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"`
	Expires time.Time `json:"expires"` // of the access token
}

// Config is what the file holds.
type Config struct {
	Current  string             `json:"current,omitempty"`
	Profiles map[string]Profile `json:"profiles"`
}

// Store is the file.
type Store struct{ Path string }

// Default is where the file lies.
func Default() (Store, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return Store{}, err
	}
	return Store{filepath.Join(dir, "tarn", "config.json")}, nil
}

// Load reads the file; an absent one is empty.
func (s Store) Load() (Config, error) {
	c := Config{Profiles: map[string]Profile{}}
	text, err := os.ReadFile(s.Path) // #nosec G304 -- the person's own file
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w", s.Path, err)
	}
	if c.Profiles == nil {
		c.Profiles = map[string]Profile{}
	}
	return c, nil
}

// Change reads the file, changes it and writes it, while nobody else does. Where change
// fails, nothing is written.
func (s Store) Change(change func(*Config) error) error {
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(s.Path + ".lock").Lock()
	if err != nil {
		return err
	}
	defer unlock()
	c, err := s.Load()
	if err != nil {
		return err
	}
	if err := change(&c); err != nil {
		return err
	}
	return s.write(c)
}

// write replaces the file at once. Only its owner may read it.
func (s Store) write(c Config) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(s.Path), ".config-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // gone already, where all went well
	_, err = fresh.Write(append(text, '\n'))
	if err := errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), s.Path)
}

// Ready reads what a local server wrote of itself into its data folder.
func Ready(dataDir string) (Profile, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, "ready.json")) // #nosec G304 -- the folder that the person names
	if err != nil {
		return Profile{}, err
	}
	var ready struct {
		URL string `json:"url"`
		Key string `json:"api_key"`
		CA  string `json:"ca"`
	}
	if err := json.Unmarshal(text, &ready); err != nil {
		return Profile{}, fmt.Errorf("%s: %w", filepath.Join(dataDir, "ready.json"), err)
	}
	return Profile{URL: ready.URL, Key: ready.Key, CA: ready.CA}, nil
}
