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

const oneFeed = `[{"name": "orders", "kind": "kafka", "servers": ["localhost:9092"], "topic": "orders", "plain": true}]`

func TestFeedsAreReadFromTheSetting(t *testing.T) {
	if got, err := feeds(oneFeed); err != nil || len(got) != 1 || got[0].Topic != "orders" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := feeds(`[{"name": "orders"}]`); err == nil {
		t.Errorf("%v and no error", got)
	}
}
