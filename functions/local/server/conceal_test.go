package server

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestAFolderOfAnEarlierVersionIsRidOfItsPlainSecrets(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "data"), []byte("thirty-two bytes in plain sight!")
	old, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(old.Table().Commit(t.Context(), table.Put(table.Item{Key: plainEmbedKey, Body: key})), old.Close()); err != nil {
		t.Fatal(err)
	}
	before := &fake.Secrets{}
	if err := before.Create(t.Context(), secret.Deployment, access.EmbedSecret, secret.New(key)); err != nil {
		t.Fatal(err)
	}
	signs := access.Embeds{Secrets: before, Now: time.Now, Random: strings.NewReader(strings.Repeat("r", 100))}
	token, err := signs.Mint(t.Context(), access.Principal{Tenant: Tenant, ID: "key:1", Role: access.Owner}, access.Embed{Saved: "s", Dataset: "web"}, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := Open(t.Context(), Options{Dir: dir, URL: "http://localhost:8080", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.embeds.Identify(t.Context(), token); err != nil {
			t.Errorf("a token that was made before is refused: %v", err)
		}
		if path := fileWith(t, dir, key); path != "" {
			t.Errorf("%s holds the key in plain sight", path)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// fileWith returns a file below a folder that holds the bytes, or none.
func fileWith(t *testing.T, dir string, what []byte) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, what) {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
