package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tarnhq/tarn/functions/cli/profile"
)

// expired is the environment of somebody whose access token is old, at a server whose
// refresh tokens are good once.
func expired(t *testing.T, refreshed *atomic.Int32) map[string]string {
	t.Helper()
	good := "r0"
	var mu sync.Mutex
	env := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/v1/sign-in":
			fmt.Fprintf(w, `{"issuer":"http://%[1]s","client_id":"c","authorization":"http://%[1]s/a","token":"http://%[1]s/token"}`, r.Host)
		case "/token":
			mu.Lock()
			defer mu.Unlock()
			if r.FormValue("refresh_token") != good {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":"invalid_grant"}`)
				return
			}
			good = fmt.Sprintf("r%d", refreshed.Add(1))
			fmt.Fprintf(w, `{"access_token":"a1","refresh_token":%q,"token_type":"Bearer","expires_in":3600}`, good)
		default:
			if r.Header.Get("Authorization") != "Bearer a1" {
				problem(w, http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, `{"id":"user:u"}`)
		}
	})
	env["TARN_CONFIG"] = filepath.Join(t.TempDir(), "config.json")
	text, err := json.Marshal(profile.Config{Current: "p", Profiles: map[string]profile.Profile{"p": {URL: env["TARN_URL"], Tokens: &profile.Tokens{Access: "a0", Refresh: "r0"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(env["TARN_CONFIG"], text, 0o600); err != nil {
		t.Fatal(err)
	}
	delete(env, "TARN_KEY")
	return env
}

func TestProgramsAtTheSameTimeRefreshASessionOnce(t *testing.T) {
	var refreshed atomic.Int32
	env := expired(t, &refreshed)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := typed(t.Context(), t, env, "", "whoami"); got.code != codeDone {
				t.Errorf("code %d: %s", got.code, got.err)
			}
		})
	}
	group.Wait()
	if n := refreshed.Load(); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
}

func TestWhoseSessionIsOverIsAskedToSignIn(t *testing.T) {
	var refreshed atomic.Int32
	env := expired(t, &refreshed)
	config := profile.Store{Path: env["TARN_CONFIG"]}
	err := config.Change(func(all *profile.Config) error {
		all.Profiles["p"].Tokens.Refresh = "used before"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := typed(t.Context(), t, env, "", "whoami")
	if got.code != codeDenied || got.err != "tarn: the session has ended (invalid_grant)\nhint: tarn sign-in\n" {
		t.Errorf("code %d: %q", got.code, got.err)
	}
}
