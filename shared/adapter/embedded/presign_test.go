package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/secret"
)

// TestAURLOfAnEarlierVersionIsGoodStill opens a folder that has its key in a file.
func TestAURLOfAnEarlierVersionIsGoodStill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	plain, key := filepath.Join(dir, "presign.key"), bytes.Repeat([]byte{7}, 32)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(plain, key, 0o600)); err != nil {
		t.Fatal(err)
	}
	old := signer{secret: secret.New(key), now: time.Now}
	for range 2 {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, old.url(http.MethodGet, "k", time.Hour), nil)
		if !s.blobs.signer.permits(r, "k") {
			t.Error("a URL that was signed before is refused")
		}
		if _, err := os.Stat(plain); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is there still: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
