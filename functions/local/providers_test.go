package main

import (
	"os"
	"path/filepath"
	"testing"
)

const oneProvider = `[{"name": "acme", "issuer": "https://id.acme.example", "client_id": "tarn", "secret": "acme"}]`

func TestProvidersAreReadFromTheSettingOrItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(file, []byte(oneProvider), 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]int{"": 0, oneProvider: 1, "\n" + oneProvider: 1, file: 1} {
		if got, err := providers(setting); err != nil || len(got) != want {
			t.Errorf("%q: %d providers and %v, want %d", setting, len(got), err, want)
		}
	}
	for _, setting := range []string{file + ".absent", `[{"name": "acme"}]`, `[{]`} {
		if got, err := providers(setting); err == nil {
			t.Errorf("%q: %v and no error", setting, got)
		}
	}
}

func TestASecretIsReadFromAFileThatNobodyElseMayRead(t *testing.T) {
	folder := t.TempDir()
	for name, mode := range map[string]os.FileMode{"closed": 0o600, "open": 0o644} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("s3cret\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	read := secretFiles(folder)
	if got, err := read(t.Context(), "closed"); got != "s3cret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"open", "absent", "../" + filepath.Base(folder) + "/closed", ""} {
		if got, err := read(t.Context(), name); err == nil {
			t.Errorf("%q: %q and no error", name, got)
		}
	}
}
