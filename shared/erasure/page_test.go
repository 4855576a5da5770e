package erasure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// shelf is what one list of a dataset holds: times, of which several may be the same.
type shelf struct {
	dataset     dataset.Name
	quarantined bool
	times       []int
}

func (s shelf) show(time int) string {
	return fmt.Sprintf("%s %v %02d", s.dataset, s.quarantined, time)
}

// page lists one, of shelves whose things lie in any order, as merges leave them.
func page(t *rapid.T, shelves []shelf, next string, limit int) (shown []string, after string) {
	p, err := NewPage(next, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shelves {
		l := newList[string](p, s.dataset, s.quarantined)
		for _, time := range rapid.Permutation(s.times).Draw(t, "order") {
			if err := l.add(int64(time), s.show(time)); err != nil {
				t.Fatal(err)
			}
		}
		shown = append(shown, l.take()...)
	}
	return shown, p.Next()
}

func TestPagesOfAnySizeListAllThatIsHeldOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var shelves []shelf
		var want []string
		for _, name := range []dataset.Name{"a", "b", "b2"} {
			for _, quarantined := range []bool{false, true} {
				s := shelf{name, quarantined, rapid.SliceOfN(rapid.IntRange(-3, 3), 0, 9).Draw(t, "times")}
				sorted := slices.Sorted(slices.Values(s.times))
				for _, time := range sorted {
					want = append(want, s.show(time))
				}
				shelves = append(shelves, s)
			}
		}
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		var got []string
		for next := ""; ; {
			shown, after := page(t, shelves, next, limit)
			if got = append(got, shown...); len(shown) > limit || after != "" && len(shown) < limit {
				t.Fatalf("%d on a page of %d, and next is %q", len(shown), limit, after)
			}
			if next = after; next == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestALongListKeepsWhatComesFirst(t *testing.T) {
	p, err := NewPage("", 2)
	if err != nil {
		t.Fatal(err)
	}
	l := newList[int](p, "a", false)
	for n := range 10_000 {
		if err := l.add(int64(10_000-n), n); err != nil {
			t.Fatal(err)
		}
	}
	if kept := len(l.all); kept > 1000 {
		t.Errorf("%d are kept for a page of 2", kept)
	}
	if diff := cmp.Diff([]int{9999, 9998}, l.take()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoNextIsRefused(t *testing.T) {
	for _, next := range []string{"x", "e30", strings.Repeat("A", 100), "eyJkIjoid2ViIn0"} {
		if _, err := NewPage(next, 10); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", next, err)
		}
	}
}
