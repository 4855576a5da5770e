// Package golden compares what tests make with files that were looked at once. With
// -update they are written anew, and the change is looked at.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Match compares a text with a file.
func Match(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update accepts):\n%s", path, diff)
	}
}

// Statements compares the SQL that is made of each request in testdata, a file of JSON,
// with the file beside it.
func Statements(t *testing.T, of func(t *testing.T, request []byte) string) {
	t.Helper()
	requests, err := filepath.Glob("testdata/*.json")
	if err != nil || len(requests) == 0 {
		t.Fatal("no requests", err)
	}
	for _, path := range requests {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		Match(t, strings.TrimSuffix(path, "json")+"sql", of(t, body))
	}
}
