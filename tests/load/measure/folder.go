package measure

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
)

// WithStore hands over a store in a new folder, and deletes both.
func WithStore(use func(store *embedded.Store, dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := embedded.Open(filepath.Join(dir, "tarn"), embedded.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return use(store, dir)
}
