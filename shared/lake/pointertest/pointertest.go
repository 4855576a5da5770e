// Package pointertest holds the suite that every lake.Pointers passes.
package pointertest

import (
	"context"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
)

// Pointers is lake.Pointers, which is not imported: adapters that are tested here must
// not link what it links.
type Pointers interface {
	Current(ctx context.Context, namespace, name string) (string, error)
	Swap(ctx context.Context, namespace, name, from, to string) error
}

const (
	first  = "s3://bucket/t/main/d/d1/open/metadata/00000-a.metadata.json"
	second = "s3://bucket/t/main/d/d1/open/metadata/00001-b.metadata.json"
	third  = "s3://bucket/t/main/d/d1/open/metadata/00001-c.metadata.json"
)

// Run tests the promises of Pointers.
func Run(t *testing.T, open func(*testing.T) Pointers) {
	current := func(t *testing.T, p Pointers, want string) {
		t.Helper()
		if got, err := p.Current(t.Context(), "main", "web"); got != want || err != nil {
			t.Errorf("the table is at %q, %v, want %q", got, err, want)
		}
	}
	swap := func(t *testing.T, p Pointers, from, to string, want fault.Kind) {
		t.Helper()
		err := p.Swap(t.Context(), "main", "web", from, to)
		if want == 0 && err != nil || want != 0 && fault.KindOf(err) != want {
			t.Errorf("from %q to %q: %v, want %v", from, to, err, want)
		}
	}
	t.Run("a table is nowhere before it is put somewhere", func(t *testing.T) {
		p := open(t)
		if _, err := p.Current(t.Context(), "main", "web"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v, want NotFound", err)
		}
		swap(t, p, first, second, fault.Conflict)
		swap(t, p, "", first, 0)
		current(t, p, first)
		if _, err := p.Current(t.Context(), "other", "web"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a table of that name elsewhere: %v, want NotFound", err)
		}
	})
	t.Run("of two who move a table from the same place, one does", func(t *testing.T) {
		p := open(t)
		swap(t, p, "", first, 0)
		swap(t, p, "", second, fault.Conflict)
		swap(t, p, first, second, 0)
		swap(t, p, first, third, fault.Conflict)
		current(t, p, second)
	})
}
