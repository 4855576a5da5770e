package manifest_test

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
)

func TestWhatIsHeldIsSweptAfterItWasLetGo(t *testing.T) {
	s := store()
	key := ref("s-1-5-aa", 1).Key
	if err := s.Blobs.Put(t.Context(), key, []byte("x")); err != nil {
		t.Fatal(err)
	}
	c := add("s-1-5-aa")
	c.Mark = move("s", checkpoint.Mark{}, "5")
	st := commit(t, s, manifest.State{}, c)
	hold := func(keys ...string) {
		t.Helper()
		if err := s.Hold(t.Context(), owner, data, keys, 3*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	hold(key)
	commit(t, s, st, manifest.Change{Commit: "swap", Remove: []string{key}, Add: []segment.Ref{ref("b", 1)}})
	there := func(after time.Duration) bool {
		t.Helper()
		s.Now = func() time.Time { return now.Add(after) }
		if _, err := s.Sweep(t.Context(), owner, data, time.Hour); err != nil {
			t.Fatal(err)
		}
		_, err := s.Blobs.Stat(t.Context(), key)
		return err == nil
	}
	if !there(100 * time.Hour) {
		t.Fatal("it was swept while it was held")
	}
	hold()
	if !there(103*time.Hour - time.Second) {
		t.Fatal("it was swept at once after it was let go")
	}
	hold("another") // does not hold it any longer
	if there(103 * time.Hour) {
		t.Error("it is held for ever")
	}
}
