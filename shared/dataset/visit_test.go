package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/tenant"
)

func reversed(n int, swap func(i, j int)) {
	for i := range n / 2 {
		swap(i, n-1-i)
	}
}

func TestEveryDatasetHasItsTurnWhateverFails(t *testing.T) {
	c := catalog()
	for i := range 3 {
		for k := range 2 {
			if _, err := c.Create(t.Context(), tenant.ID(fmt.Sprint("t", i)), dataset.Spec{Name: dataset.Name(fmt.Sprint("d", k)), Kind: dataset.Events}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var seen []string
	failed, more, err := c.Visit(t.Context(), reversed, func(_ context.Context, of tenant.ID, d dataset.Dataset) error {
		seen = append(seen, string(of)+" "+string(d.Name))
		if d.Name == "d1" {
			return errors.New("no")
		}
		return nil
	})
	want := []string{"t2 d1", "t2 d0", "t1 d1", "t1 d0", "t0 d1", "t0 d0"}
	if !slices.Equal(seen, want) || failed != 3 || more || err == nil {
		t.Errorf("%v, %d failed, more %v, %v", seen, failed, more, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	if _, more, err := c.Visit(ctx, reversed, func(context.Context, tenant.ID, dataset.Dataset) error { n++; cancel(); return nil }); n != 1 || !more || err != nil {
		t.Errorf("once time is up: %d turns, more %v, %v", n, more, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, more, err := c.Visit(ctx, reversed, func(context.Context, tenant.ID, dataset.Dataset) error { n++; return nil }); n != 1 || !more || err != nil {
		t.Errorf("when it soon is: %d turns more, more %v, %v", n-1, more, err)
	}
}
