package embedded

import (
	"context"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/adapter/embedded/disk/disktest"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// TestBlobPowerCuts puts and deletes blobs until the power is cut, or the process
// dies, at any call.
// Afterwards a blob is whole or not there, and there if a Put said so or refused
// to store another in its place.
func TestBlobPowerCuts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := disktest.New("/")
		expected := map[string]string{} // what must be there
		for range rapid.IntRange(1, 4).Draw(r, "lives") {
			d.CutAfter(rapid.IntRange(0, 80).Draw(r, "calls"))
			if b, err := openBlobsOn(d); err == nil {
				live(r, b, expected)
			}
			if rapid.Bool().Draw(r, "power") {
				d = d.Restart(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "chance") })
			} else {
				d = d.Crash()
			}
			b, err := openBlobsOn(d)
			if err != nil {
				r.Fatalf("open after it: %v", err)
			}
			check(r, b, expected)
		}
	})
}

func openBlobsOn(d disk.FS) (*Blobs, error) {
	space := &disk.Space{Dir: "/", Free: func(string) (uint64, error) { return math.MaxUint64, nil }, Now: time.Now}
	return openBlobs("/blobs", "/passing", d, space, signer{})
}

var blobKeys = []string{"a", "b/c", "b/d", "e/f/g", "e/f/h", "e/" + strings.Repeat("i", 300)}

// live runs two writers, each with keys of its own but for the first.
func live(r *rapid.T, b *Blobs, expected map[string]string) {
	type step struct {
		key    string
		remove bool
	}
	plan := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
		return step{rapid.SampledFrom(blobKeys).Draw(r, "key"), rapid.IntRange(0, 4).Draw(r, "delete") == 0}
	}), 12, 12).Draw(r, "plan")
	var mu sync.Mutex
	var all sync.WaitGroup
	for half := range 2 {
		all.Go(func() {
			for i, s := range plan {
				if i%2 != half || s.key != blobKeys[0] && (len(s.key)+int(s.key[len(s.key)-1]))%2 != half {
					continue
				}
				if s.remove && s.key != blobKeys[0] {
					mu.Lock()
					delete(expected, s.key) // from here on it may be gone
					mu.Unlock()
					_ = b.Delete(context.Background(), s.key)
					continue
				}
				err := b.Put(context.Background(), s.key, []byte(bodyOf(s.key)))
				if err == nil || fault.Is(err, fault.Conflict) {
					mu.Lock()
					expected[s.key] = bodyOf(s.key)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
}

func bodyOf(key string) string { return strings.Repeat(key+" ", 40) }

func check(r *rapid.T, b *Blobs, expected map[string]string) {
	ctx := context.Background()
	page, err := b.List(ctx, "", "", 1000)
	if err != nil {
		r.Fatalf("List: %v", err)
	}
	found := map[string]bool{}
	for _, info := range page.Blobs {
		found[info.Key] = true
		if got := read(r, b, info); got != bodyOf(info.Key) {
			r.Fatalf("blob %q is torn: %q", info.Key, got)
		}
	}
	for key := range expected {
		if !found[key] {
			r.Fatalf("blob %q was acknowledged and is lost", key)
		}
	}
	leftovers, err := b.disk.ReadDir(b.passing)
	if err != nil || len(leftovers) > 0 {
		r.Fatalf("%d passing files, %v", len(leftovers), err)
	}
}

func read(r *rapid.T, b *Blobs, info blob.Info) string {
	body, err := b.Get(context.Background(), info.Key, 0, -1)
	if err != nil {
		r.Fatalf("Get(%q): %v", info.Key, err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		r.Fatalf("read %q: %v", info.Key, err)
	}
	return string(text)
}
