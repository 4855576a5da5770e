package sqltable

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
)

// Cursor is how a type of columns tells how far a table was read.
type Cursor struct {
	// Finite is the condition, with %s for the column, that a row has a place in the
	// order; empty: that it is not null.
	Finite string

	// Back returns the value at which the window before another begins.
	Back func(at string, w connector.Window) (string, error)
}

func (c Cursor) finite(quoted string) string {
	if c.Finite == "" {
		return quoted + " IS NOT NULL"
	}
	return fmt.Sprintf(c.Finite, quoted)
}

// TimeBack returns the Back of times that are written so.
func TimeBack(layout string) func(string, connector.Window) (string, error) {
	return func(at string, w connector.Window) (string, error) {
		back, err := w.Time()
		if err != nil || back == 0 {
			return at, err
		}
		t, err := time.Parse(layout, at)
		if err != nil {
			return at, nil // a day that the calendar has not: there is no window before it
		}
		if t = t.Add(-back); t.Year() < 1 {
			t = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return t.Format(layout), nil
	}
}

// NumberBack is the Back of numbers that are written without an exponent.
func NumberBack(at string, w connector.Window) (string, error) {
	back, err := w.Span()
	if err != nil {
		return "", err
	}
	n, ok := new(big.Rat).SetString(at)
	if !ok {
		return "", fmt.Errorf("cursor %q is no number", at)
	}
	_, digits, _ := strings.Cut(at, ".")
	return n.Sub(n, new(big.Rat).SetInt64(back)).FloatString(len(digits)), nil
}

// TextBack is the Back of texts, between which there are no distances.
func TextBack(at string, _ connector.Window) (string, error) { return at, nil }
