package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyItsOwnerMayReadTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: Windows has no modes; the folder is the person's own there")
	}
	s := Store{filepath.Join(t.TempDir(), "tarn", "config.json")}
	if err := s.Change(func(c *Config) error { c.Profiles["a"] = Profile{Key: "secret"}; return nil }); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{s.Path: 0o600, filepath.Dir(s.Path): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func TestChangesAtTheSameTimeAreAllKept(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "config.json")}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := s.Change(func(c *Config) error { c.Profiles[fmt.Sprint(i)] = Profile{}; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	c, err := s.Load()
	if err != nil || len(c.Profiles) != 20 {
		t.Errorf("%d profiles (%v), want 20", len(c.Profiles), err)
	}
}

func TestAChangeThatFailsLeavesTheFileAsItWas(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "config.json")}
	if err := s.Change(func(c *Config) error { c.Current = "a"; return nil }); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("wrong")
	if err := s.Change(func(c *Config) error { c.Current = "b"; return wrong }); !errors.Is(err, wrong) {
		t.Errorf("Change: %v, want %v", err, wrong)
	}
	got, err := s.Load()
	if diff := cmp.Diff(Config{Current: "a", Profiles: map[string]Profile{}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAFileThatCannotBeReadIsNotReplaced(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "config.json")}
	if err := os.WriteFile(s.Path, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(func(*Config) error { return nil }); err == nil {
		t.Error("a broken file was changed")
	}
	if text, _ := os.ReadFile(s.Path); string(text) != "{broken" {
		t.Errorf("the file holds %q", text)
	}
}
