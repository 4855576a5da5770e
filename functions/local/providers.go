package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tarnhq/tarn/shared/federation"
)

// providers reads the list that a setting holds, or the file that it names.
func providers(setting string) ([]federation.Provider, error) {
	text := []byte(setting)
	if !strings.HasPrefix(strings.TrimSpace(setting), "[") && setting != "" {
		var err error
		if text, err = os.ReadFile(setting); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return federation.Parse(text)
}

// secretFiles reads a secret from the file of its name in a folder, which nobody else may
// read. It is read when it is needed: a changed one holds at once.
func secretFiles(folder string) federation.SecretOf {
	return func(_ context.Context, name string) (string, error) {
		if name != filepath.Base(name) {
			return "", fmt.Errorf("%q is no name of a file", name)
		}
		path := filepath.Join(folder, name)
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return "", fmt.Errorf("%s may be read by others: its mode is %o, want 600", path, mode)
		}
		text, err := os.ReadFile(path) // #nosec G304 -- the operator names it
		return strings.TrimSpace(string(text)), err
	}
}
