package tabular

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// checkFloat compares with strconv what is read as a float.
func checkFloat(t interface {
	Helper()
	Errorf(string, ...any)
}, s string) {
	t.Helper()
	got, ok := parseFloat([]byte(s), '.')
	if !ok {
		return
	}
	want, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("%q is read as %v, want %v (%v)", s, got, want, err)
	}
}

func TestFloatsAreCorrectlyRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "float")
		precision := rapid.IntRange(-1, 25).Draw(t, "precision")
		for _, format := range []byte{'f', 'e', 'g'} {
			checkFloat(t, strconv.FormatFloat(f, format, precision, 64))
		}
		checkFloat(t, rapid.StringMatching(`-?[0-9]{0,25}\.[0-9]{0,25}(e[+-]?[0-9]{1,3})?`).Draw(t, "text"))
	})
}

func TestWrittenFloatsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "float")
		s := strconv.FormatFloat(f, 'e', -1, 64)
		if got, ok := parseFloat([]byte(s), '.'); f != 0 && (!ok || got != f) {
			t.Fatalf("%q is %v (%t)", s, got, ok)
		}
	})
}

func TestWrittenIntsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "int")
		if got, ok := parseInt(strconv.AppendInt(nil, n, 10)); !ok || got != n {
			t.Fatalf("%d is read as %d (%t)", n, got, ok)
		}
	})
}
