package main

import (
	"os"
	"strings"

	"github.com/tarnhq/tarn/shared/federation"
)

// providers reads the list that a setting holds, or the file that it names.
func providers(setting string) ([]federation.Provider, error) {
	text := []byte(setting)
	if !strings.HasPrefix(strings.TrimSpace(setting), "[") && setting != "" {
		var err error
		// #nosec G304 -- the operator names it
		if text, err = os.ReadFile(setting); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return federation.Parse(text)
}
