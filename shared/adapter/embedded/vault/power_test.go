package vault

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk/disktest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// history is what a secret may be: the last value that is certain, and those that were
// attempted after it. An absent one is "".
type history []string

// TestPowerCuts puts, deletes and rotates until the power is cut, or the process dies, at
// any call. Afterwards everything opens, and a secret is what was acknowledged last, or
// what was attempted after that.
func TestPowerCuts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := disktest.New("/")
		if err := errors.Join(d.Mkdir("/data"), d.SyncDir("/")); err != nil {
			r.Fatal(err)
		}
		known := map[secret.Name]history{"a": {""}, "b": {""}}
		puts := 0
		for range rapid.IntRange(1, 5).Draw(r, "lives") {
			d.CutAfter(rapid.IntRange(0, 60).Draw(r, "calls"))
			if v, err := Open(roomy(d, "/data/secrets", "/data.key")); err == nil {
				lead(r, v, known, &puts)
			}
			if rapid.Bool().Draw(r, "power") {
				d = d.Restart(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "chance") })
			} else {
				d = d.Crash()
			}
			v, err := Open(roomy(d, "/data/secrets", "/data.key"))
			if err != nil {
				r.Fatalf("open after it: %v", err)
			}
			for name, h := range known {
				known[name] = history{h.settle(r, v, name)}
			}
		}
	})
}

// lead does what may be done with secrets until something fails.
func lead(r *rapid.T, v *Vault, known map[secret.Name]history, puts *int) {
	ctx := context.Background()
	for range rapid.IntRange(1, 10).Draw(r, "steps") {
		name := rapid.SampledFrom([]secret.Name{"a", "b"}).Draw(r, "name")
		next := ""
		var err error
		switch rapid.IntRange(0, 4).Draw(r, "what") {
		case 0:
			if v.Rotate() != nil {
				return
			}
			continue
		case 1:
			err = v.Delete(ctx, "main", name)
		default:
			*puts++
			next = string(rune('0' + *puts%70))
			err = v.Put(ctx, "main", name, secret.New([]byte(next)))
		}
		if err != nil {
			known[name] = append(known[name], next)
			return
		}
		known[name] = history{next}
	}
}

// settle returns what a secret is after a crash, and fails if that cannot be.
func (h history) settle(r *rapid.T, v *Vault, name secret.Name) string {
	found, err := v.Get(context.Background(), "main", name)
	if err != nil && !fault.Is(err, fault.NotFound) {
		r.Fatalf("%s: %v", name, err)
	}
	now := string(found.Current.Reveal())
	if !slices.Contains(h, now) {
		r.Fatalf("%s is %q, want one of %q", name, now, h)
	}
	return now
}
