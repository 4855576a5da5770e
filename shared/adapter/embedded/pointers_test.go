package embedded_test

import (
	"path/filepath"
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/lake/pointertest"
)

func TestPointers(t *testing.T) {
	pointertest.Run(t, func(t *testing.T) pointertest.Pointers {
		p, err := embedded.OpenPointers(filepath.Join(t.TempDir(), "iceberg.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return p
	})
}
