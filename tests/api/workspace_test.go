package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/shared/access"
)

// founded is a server that was opened once, and the keys that it made. Signing keys, a
// hashed password and a key for each role cost more than most tests, so each test begins
// with a copy.
type founded struct {
	dir  string // holds the data folder, and what lies beside that
	keys map[access.Role]string
}

// foundedNow and foundedEarlier are folders whose first start was now, or in the time
// that clocked begins with.
var (
	foundedNow     = sync.OnceValues(func() (founded, error) { return found(time.Now) })
	foundedEarlier = sync.OnceValues(func() (founded, error) { return found(func() time.Time { return clockedFrom }) })
)

const dataFolder = "data"

// workspace is the data folder of a copy, and its keys.
func workspace(t testing.TB, from func() (founded, error)) (string, map[access.Role]string) {
	t.Helper()
	f, err := from()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(f.dir)); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, dataFolder)
	if err := os.Chmod(data+".key", 0o600); err != nil { // CopyFS leaves it to everybody
		t.Fatal(err)
	}
	return data, maps.Clone(f.keys)
}

// foundings is where the folders are that tests copy; TestMain removes it.
var foundings = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "founded") })

func found(now func() time.Time) (f founded, err error) {
	parent, err := foundings()
	if err != nil {
		return f, err
	}
	if f.dir, err = os.MkdirTemp(parent, ""); err != nil {
		return f, err
	}
	s, err := server.Open(context.Background(), server.Options{Dir: filepath.Join(f.dir, dataFolder), URL: "http://localhost:8080", Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		return f, err
	}
	ready, err := s.Ready(context.Background())
	if err != nil {
		return f, err
	}
	f.keys = map[access.Role]string{access.Owner: ready.APIKey}
	for _, role := range everyRole[1:] {
		if f.keys[role], err = keyFor(s.Handler(), ready.APIKey, role); err != nil {
			return f, err
		}
	}
	return f, s.Close()
}

// keyFor makes a key for a role with that of the owner.
func keyFor(h http.Handler, owner string, role access.Role) (string, error) {
	r := httptest.NewRequest(http.MethodPost, "/v1/keys", strings.NewReader(fmt.Sprintf(`{"name":%q,"role":%q}`, role, role)))
	r.Header.Set("Authorization", "Bearer "+owner)
	out := httptest.NewRecorder()
	h.ServeHTTP(out, r)
	var made struct{ Key string }
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != http.StatusCreated {
		return "", fmt.Errorf("a key for %s: %d %s", role, out.Code, out.Body)
	}
	return made.Key, nil
}
