// Package e2e plays whole scenarios against the real server: the program of
// functions/local as a child process over a data folder of its own, reached only by
// HTTP and by signals.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const root = "../.."

// program is the server that TestMain has built.
var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "tarn-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(folder, "tarnd")
	build := exec.Command("go", "build", "-o", program, "./functions/local")
	build.Dir = root
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, bytes.TrimSpace(out))
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(folder) // a leftover in the temporary folder harms nobody
	os.Exit(code)
}

// absent skips a test whose means are not here, loudly; where they are guaranteed,
// it fails it.
func absent(t *testing.T, what, remedy string) {
	t.Helper()
	message := "NOT TESTED: " + what + "; to enable it: " + remedy
	if os.Getenv("TARN_REQUIRE_ORACLES") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}
