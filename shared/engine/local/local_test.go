package local_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
)

// store gives every key a body of 100 bytes, but for those that are to fail.
type store struct {
	blob.Store
	gets atomic.Int64
	fail atomic.Bool
}

func (s *store) Get(ctx context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	s.gets.Add(1)
	if s.fail.Load() {
		return nil, fault.New(fault.Unavailable, "down", "down")
	}
	return io.NopCloser(bytes.NewReader(bytes.Repeat([]byte(key[:1]), 100))), ctx.Err()
}

func open(t *testing.T, f *local.Files, keys ...string) func() {
	t.Helper()
	paths, release, err := f.Open(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil || len(body) != 100 || body[0] != keys[i][0] {
			t.Fatalf("%s: %q, %v", keys[i], body, err)
		}
	}
	return release
}

func make2(t *testing.T, s *store, dir string) *local.Files {
	t.Helper()
	f, err := local.New(s, dir, 200) // two blobs
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestABlobIsFetchedOnceHoweverManyWantIt(t *testing.T) {
	s := &store{}
	f := make2(t, s, t.TempDir())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { open(t, f, "a", "b")() })
	}
	all.Wait()
	if got := s.gets.Load(); got != 2 {
		t.Errorf("fetched %d times, want 2", got)
	}
}

func TestWhatWasUsedLongestAgoGoesFirst(t *testing.T) {
	s := &store{}
	f := make2(t, s, t.TempDir())
	for _, key := range []string{"a", "b", "a", "c", "a"} {
		open(t, f, key)()
	}
	if got := s.gets.Load(); got != 3 {
		t.Errorf("fetched %d times, want 3: a stays", got)
	}
	open(t, f, "b")()
	if got := s.gets.Load(); got != 4 {
		t.Errorf("fetched %d times, want 4: b was gone", got)
	}
}

func TestFilesInUseStayHoweverManyThereAre(t *testing.T) {
	dir := t.TempDir()
	f := make2(t, &store{}, dir)
	release := open(t, f, "a", "b", "c", "d")
	open(t, f, "e")()
	if got := files(t, dir); got != 4 {
		t.Errorf("%d files while four are in use", got)
	}
	release()
	if got := files(t, dir); got != 2 {
		t.Errorf("%d files when none is in use, want 2", got)
	}
}

func TestAFetchThatFailedIsTriedAgain(t *testing.T) {
	s := &store{}
	f := make2(t, s, t.TempDir())
	s.fail.Store(true)
	if _, _, err := f.Open(t.Context(), []string{"a"}); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
	s.fail.Store(false)
	open(t, f, "a")()
}

func TestAFetchWhoseCallerWentIsDoneByTheNext(t *testing.T) {
	f := make2(t, &store{}, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Open(ctx, []string{"a"}); err == nil {
		t.Fatal("a caller that went was served")
	}
	open(t, f, "a")()
}

func TestLeftoversOfAnEarlierProcessAreRemoved(t *testing.T) {
	dir := t.TempDir()
	open(t, make2(t, &store{}, dir), "a")()
	make2(t, &store{}, dir)
	if got := files(t, dir); got != 0 {
		t.Errorf("%d files are left", got)
	}
}

func files(t *testing.T, dir string) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}
