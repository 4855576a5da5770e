// Package browser drives the console in headless Chromium against a running server:
// what a person does, and what they see. The scenarios are in scenarios.mjs.
//
// Without a browser the tests are skipped with the command that installs one; with
// TARN_REQUIRE_ORACLES=1 that is a failure.
package browser

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
)

// browsers are the names of Chromium and its kin.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

func TestPage(t *testing.T) {
	chromium := requireBrowser(t)
	s := start(t, newElsewhere(t))
	for _, name := range []string{
		"the owner signs in and sees sent events move the number and the chart",
		"people sign in with other providers, by OpenID Connect and by SAML",
		"who joins by another provider in AWS is sent there once more, once, and nobody else is",
		"a duplicate and a quarantined event show, with the reason, and the ledger adds up",
		"a key signs in and a wrong one is told so",
		"trouble is told with its hint and goes away with its cause",
		"a file is dropped, looked at, read another way and loaded, and counts once",
		"a large file goes in parts, and a part that breaks off goes again",
		"a schedule shows its next runs while it is typed, and is made, run, paused and deleted",
		"models show what reads what, are tried, run and told apart when they fail",
		"steps on the way in are tried on the last events, put, and told apart where somebody was faster",
		"a folder of models is tried before it is put, and a period is built again",
		"a source that refuses is told with its hint, and no connector is made",
		"who may only look is offered nothing else",
		"no page is wider than a narrow screen",
		"the reference shows every operation of the document",
	} {
		t.Run(name, func(t *testing.T) { play(t, chromium, name, s, "") })
	}
	name := "tables of a PostgreSQL are found, chosen, synced and asked of"
	t.Run(name, func(t *testing.T) {
		source := postgrestest.Start(t)
		source.Exec(t, "postgres", `CREATE TABLE orders (id bigint PRIMARY KEY, country text, updated_at timestamptz NOT NULL DEFAULT now());
			INSERT INTO orders SELECT i, 'CH' FROM generate_series(1, 1000) i`)
		play(t, chromium, name, s, source.DSN("postgres"))
	})
}

// play runs one scenario, with a source that it may connect to. Its failures come on
// standard error, with a screenshot.
func play(t *testing.T, chromium, name string, s server, dsn string) {
	t.Helper()
	picture, err := filepath.Abs(filepath.Join(root, "build", "browser-failure.png"))
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{"scenario": name, "chromium": chromium, "picture": picture,
		"url": s.URL, "key": s.Key, "email": s.Owner.Email, "password": s.Owner.Password, "dsn": dsn})
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "scenarios.mjs")
	node.Stdin = bytes.NewReader(input)
	if out, err := node.CombinedOutput(); err != nil {
		t.Errorf("%v; what the browser showed is in %s\n%s", err, picture, out)
	}
}

// requireBrowser returns the path of a browser, where node can drive it.
func requireBrowser(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		absent(t, "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(root, "node_modules", "playwright-core")); err != nil {
		absent(t, "npm ci")
	}
	for _, name := range browsers {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	absent(t, "apt-get install chromium")
	return ""
}

func absent(t *testing.T, install string) {
	t.Helper()
	message := "NOT TESTED: the page in a browser; to enable it: " + install
	if os.Getenv("TARN_REQUIRE_ORACLES") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}
