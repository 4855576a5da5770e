// Package ducktest opens engines for tests.
package ducktest

import (
	"testing"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
)

// fetched is how many bytes of blobs an engine keeps on disk: few, so that it fetches
// some again.
const fetched = 1 << 20

// Open opens an engine over a store, which is closed with the test. The config is
// without Files.
func Open(t testing.TB, store blob.Store, config duck.Config) *duck.Engine {
	t.Helper()
	files, err := local.New(store, t.TempDir(), fetched)
	if err != nil {
		t.Fatal(err)
	}
	config.Files = files
	e, err := duck.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
