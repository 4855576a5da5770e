package drop

import (
	"testing"

	"github.com/tarnhq/tarn/shared/load"
)

// FuzzPath holds that a path names a dataset and a way to load it, or is refused.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"orders/a.csv", "orders/replace/a.csv", "orders/upsert=id,region/a.csv", "orders/upsert=/a.csv", "a.csv", "/a", "orders/x/replace/a", "../a/b"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, spec, err := Drop{Path: path}.target()
		if err != nil {
			return
		}
		if name.Check() != nil || spec.Mode == load.Upsert && len(spec.Key) == 0 || spec.Mode != load.Upsert && spec.Key != nil {
			t.Errorf("%q is %+v into %q", path, spec, name)
		}
	})
}
