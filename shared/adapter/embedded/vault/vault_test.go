package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/secret/secrettest"
	"github.com/tarnhq/tarn/shared/tenant"
)

func roomy(d disk.FS, path, key string) Config {
	space := &disk.Space{Free: func(string) (uint64, error) { return math.MaxUint64, nil }, Now: time.Now}
	return Config{Disk: d, Space: space, Path: path, Key: key}
}

// at is a vault in a folder of the machine, with its key beside the folder "data".
func at(t *testing.T, folder string) Config {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	return roomy(disk.OS{}, filepath.Join(folder, "data", "secrets"), filepath.Join(folder, "data.key"))
}

func open(t *testing.T, c Config) *Vault {
	t.Helper()
	v, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func put(t *testing.T, v *Vault, who tenant.ID, name secret.Name, text string) {
	t.Helper()
	if err := v.Put(t.Context(), who, name, secret.New([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, v *Vault, who tenant.ID, name secret.Name) string {
	t.Helper()
	found, err := v.Get(t.Context(), who, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(found.Current.Reveal()) + " " + string(found.Previous.Reveal())
}

func TestVault(t *testing.T) {
	v := open(t, at(t, t.TempDir()))
	secrettest.Run(t, func(*testing.T) secret.Store { return v })
}

func TestSecretsOutliveTheProcess(t *testing.T) {
	c := at(t, t.TempDir())
	v := open(t, c)
	put(t, v, "main", "k", "one")
	put(t, v, "main", "k", "two")
	if got := get(t, open(t, c), "main", "k"); got != "two one" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestNoFileOfTheDataFolderHoldsAValueOrAKey(t *testing.T) {
	const planted = "planted-5c1d"
	folder := t.TempDir()
	v := open(t, at(t, folder))
	put(t, v, "main", "k", planted)
	key := v.keys.newest().value.Reveal()
	for _, path := range files(t, filepath.Join(folder, "data")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(planted)) || bytes.Contains(text, key) {
			t.Errorf("%s holds a value or a key in plain sight", path)
		}
	}
}

func files(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// TestAValueThatIsMovedOpensForNobody alters the file as somebody might who has the data
// folder and no key.
func TestAValueThatIsMovedOpensForNobody(t *testing.T) {
	type secrets = map[tenant.ID]map[secret.Name]envelope
	for claim, alter := range map[string]func(secrets){
		"to another name":        func(s secrets) { s["a"]["k"] = s["a"]["other"] },
		"to another tenant":      func(s secrets) { s["a"]["k"] = s["b"]["k"] },
		"from previous":          func(s secrets) { e := s["a"]["k"]; e.Current = e.Previous; s["a"]["k"] = e },
		"to previous":            func(s secrets) { e := s["a"]["k"]; e.Previous = e.Current; s["a"]["k"] = e },
		"with another version":   func(s secrets) { e := s["a"]["k"]; e.Version++; s["a"]["k"] = e },
		"with a bit turned":      func(s secrets) { s["a"]["k"].Current[20] ^= 1 },
		"with another nonce":     func(s secrets) { s["a"]["k"].Current[0] ^= 1 },
		"cut off":                func(s secrets) { e := s["a"]["k"]; e.Current = e.Current[:10]; s["a"]["k"] = e },
		"with nothing of it":     func(s secrets) { e := s["a"]["k"]; e.Current = nil; s["a"]["k"] = e },
		"with one made up as it": func(s secrets) { e := s["a"]["k"]; e.Current = []byte(strings.Repeat("x", 60)); s["a"]["k"] = e },
	} {
		t.Run(claim, func(t *testing.T) {
			c := at(t, t.TempDir())
			v := open(t, c)
			for _, who := range []tenant.ID{"a", "b"} {
				put(t, v, who, "k", "before")
				put(t, v, who, "k", "value")
				put(t, v, who, "other", "before")
				put(t, v, who, "other", "value")
			}
			rewrite(t, c, alter)
			if got, err := open(t, c).Get(t.Context(), "a", "k"); !fault.Is(err, fault.Internal) {
				t.Errorf("Get = %q, %v", got.Current.Reveal(), err)
			}
		})
	}
}

func rewrite(t *testing.T, c Config, alter func(map[tenant.ID]map[secret.Name]envelope)) {
	t.Helper()
	text, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	var file contents
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	alter(file.Secrets)
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheKeyIsItsOwnersAlone(t *testing.T) {
	c := at(t, t.TempDir())
	open(t, c)
	info, err := os.Stat(c.Key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644} {
		if err := os.Chmod(c.Key, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(c); !fault.Is(err, fault.Denied) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestSecretsWithoutTheirKeyAreNotBegunAnew(t *testing.T) {
	for claim, lose := range map[string]func(t *testing.T, c Config) error{
		"the key is gone":      func(_ *testing.T, c Config) error { return os.Remove(c.Key) },
		"the key is another's": func(t *testing.T, c Config) error { return os.Rename(otherKey(t), c.Key) },
		"the key is cut off":   func(_ *testing.T, c Config) error { return os.Truncate(c.Key, 10) },
		"the key has no bytes": func(_ *testing.T, c Config) error { return os.WriteFile(c.Key, []byte(`[{"id":"a","key":""}]`), 0o600) },
		"the file is damaged":  func(_ *testing.T, c Config) error { return os.Truncate(c.Path, 10) },
		"the file is of a time to come": func(_ *testing.T, c Config) error {
			return os.WriteFile(c.Path, []byte(`{"format":9,"key":"a"}`), 0o600)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			c := at(t, t.TempDir())
			put(t, open(t, c), "main", "k", "v")
			if err := lose(t, c); err != nil {
				t.Fatal(err)
			}
			was := both(t, c)
			if _, err := Open(c); err == nil {
				t.Error("opened")
			}
			if now := both(t, c); !maps.Equal(was, now) {
				t.Errorf("the files were changed: %q, before it %q", now, was)
			}
		})
	}
}

func otherKey(t *testing.T) string {
	c := at(t, t.TempDir())
	open(t, c)
	return c.Key
}

// both returns what the files hold that are there.
func both(t *testing.T, c Config) map[string]string {
	all := map[string]string{}
	for _, path := range []string{c.Key, c.Path} {
		text, err := os.ReadFile(path)
		if err == nil {
			all[path] = string(text)
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return all
}

func TestARotationSealsEverythingAnew(t *testing.T) {
	c := at(t, t.TempDir())
	v := open(t, c)
	put(t, v, "a", "k", "one")
	put(t, v, "a", "k", "two")
	put(t, v, secret.Deployment, "k", "three")
	was := both(t, c)
	if err := v.Rotate(); err != nil {
		t.Fatal(err)
	}
	again := open(t, c)
	for _, v := range []*Vault{v, again} {
		if a, b := get(t, v, "a", "k"), get(t, v, secret.Deployment, "k"); a != "two one" || b != "three " {
			t.Errorf("after it: %q, %q", a, b)
		}
	}
	if err := os.WriteFile(c.Key, []byte(was[c.Key]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(c); !fault.Is(err, fault.NotFound) {
		t.Errorf("the key before opens the file still: %v", err)
	}
}

func TestAFullDiskStoresNothingAndLosesNothing(t *testing.T) {
	c := at(t, t.TempDir())
	v := open(t, c)
	put(t, v, "main", "k", "one")
	c.Space.Now = func() time.Time { return time.Now().Add(time.Hour) } // what it knows of the disk is old
	c.Space.Free = func(string) (uint64, error) { return 0, nil }
	if err := v.Put(t.Context(), "main", "k", secret.New([]byte("two"))); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Put = %v", err)
	}
	if got := get(t, v, "main", "k"); got != "one " {
		t.Errorf("Get = %q", got)
	}
}
