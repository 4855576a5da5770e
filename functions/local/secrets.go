package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/secret"
)

// storeSecret stores a secret of the deployment, which settings can name, in the data
// folder of a server that is not running. The value is what in holds, without the end of
// its last line.
func storeSecret(name string, in io.Reader) error {
	value, err := io.ReadAll(io.LimitReader(in, secret.MaxValue+2))
	if err != nil {
		return err
	}
	value = bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
	return withFolder(func(s *embedded.Store) error {
		return s.Secrets().Put(context.Background(), secret.Deployment, secret.Name(name), secret.New(value))
	})
}

// rotateKey seals the secrets of the data folder under a new key.
func rotateKey() error { return withFolder((*embedded.Store).RotateKey) }

func withFolder(do func(*embedded.Store) error) error {
	dir, err := filepath.Abs(config.DataDir.Or(".data"))
	if err != nil {
		return err
	}
	s, err := embedded.Open(dir, embedded.Options{KeyFile: config.KeyFile.Or("")})
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return errors.Join(do(s), s.Close())
}
