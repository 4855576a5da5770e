package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/secret"
)

func TestASecretIsStoredFromTheCommandLineAndOutlivesARotationOfTheKey(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "elsewhere.key")
	t.Setenv("DATA_DIR", dir)
	t.Setenv("KEY_FILE", key)
	if err := storeSecret("federation/google", strings.NewReader("hush\r\n")); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotateKey(); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(key); err != nil || string(now) == string(was) {
		t.Errorf("the key is the same: %v", err)
	}
	s, err := embedded.Open(dir, embedded.Options{KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := secret.Lookup(s.Secrets())(t.Context(), "federation/google"); err != nil || got != "hush" {
		t.Errorf("%q, %v", got, err)
	}
	if err := storeSecret("other", strings.NewReader("v")); err == nil {
		t.Error("stored beside a server that runs")
	}
}
