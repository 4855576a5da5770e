package main

import (
	"os"
	"strings"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/feed"
)

// providers reads those that a setting lists.
func providers(setting string) ([]federation.Provider, error) {
	return listed(setting, federation.Parse)
}

// feeds reads those that a setting lists.
func feeds(setting string) ([]feed.Feed, error) { return listed(setting, feed.Parse) }

// listed reads the list that a setting holds, or the file that it names.
func listed[T any](setting string, parse func([]byte) ([]T, error)) ([]T, error) {
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
	return parse(text)
}
