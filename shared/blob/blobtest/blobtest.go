// Package blobtest holds the promises that every blob.Store keeps. Each test
// works under a prefix of its own, so that all of them can share one store with
// each other and with earlier runs.
//
// That no key is the folder of another is left to the callers: an object store
// cannot check it at a bearable price.
package blobtest

import (
	"bytes"
	"crypto/rand"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// Fixture is a store under test.
type Fixture struct {
	Store blob.Store

	// Advance moves the store's clock forward. Nil: the clock is the real one, and
	// the tests of expiry wait for it.
	Advance func(time.Duration)
}

// Run tests the store that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	for _, group := range []map[string]func(*testing.T, Fixture){puts, reads, keys, lists, presigned} {
		for claim, test := range group {
			t.Run(claim, func(t *testing.T) { test(t, open(t)) })
		}
	}
}

var puts = map[string]func(*testing.T, Fixture){
	"a blob that was put is returned whole": func(t *testing.T, f Fixture) {
		for name, body := range map[string][]byte{"empty": {}, "bytes": []byte("a\x00\xff\r\n"), "large": random(3 << 20)} {
			key := prefix() + name
			put(t, f.Store, key, body)
			if got := get(t, f.Store, key); !bytes.Equal(got, body) {
				t.Errorf("%s: %d bytes that differ from the %d that were put", name, len(got), len(body))
			}
		}
	},
	"a key that is taken is a Conflict, and its blob stays": func(t *testing.T, f Fixture) {
		key := prefix() + "k"
		put(t, f.Store, key, []byte("first"))
		fails(t, f.Store.Put(t.Context(), key, []byte("second")), fault.Conflict)
		fails(t, f.Store.Put(t.Context(), key, []byte("first")), fault.Conflict)
		if got := get(t, f.Store, key); string(got) != "first" {
			t.Errorf("blob = %q, want that of the first Put", got)
		}
	},
	"a blob is put from its beginning, wherever its reader stands": func(t *testing.T, f Fixture) {
		body := random(32 << 10) // a store may hang up on a longer one that it refuses, before it is read
		key, from := prefix()+"k", bytes.NewReader(body)
		if _, err := from.Seek(100, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if err := f.Store.PutFrom(t.Context(), key, from, int64(len(body))); err != nil {
			t.Fatal(err)
		}
		if got := get(t, f.Store, key); !bytes.Equal(got, body) {
			t.Errorf("%d bytes that differ from the %d that were put", len(got), len(body))
		}
		fails(t, f.Store.PutFrom(t.Context(), key, from, int64(len(body))), fault.Conflict)
	},
	"of many that put one key at once, one wins": func(t *testing.T, f Fixture) {
		key := prefix() + "k"
		var winner atomic.Int32
		winner.Store(-1)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				err := f.Store.Put(t.Context(), key, []byte{byte(i)})
				switch {
				case err == nil && !winner.CompareAndSwap(-1, int32(i)):
					t.Error("two won")
				case err != nil && !fault.Is(err, fault.Conflict):
					t.Errorf("Put: %v, want nil or Conflict", err)
				}
			})
		}
		all.Wait()
		if got := get(t, f.Store, key); len(got) != 1 || int32(got[0]) != winner.Load() {
			t.Errorf("blob = %v, want that of the winner, %d", got, winner.Load())
		}
	},
	"a reader sees all of a blob or nothing": func(t *testing.T, f Fixture) {
		key, body := prefix()+"k", random(1<<20)
		var stored sync.WaitGroup
		stored.Go(func() { put(t, f.Store, key, body) })
		defer stored.Wait()
		for {
			r, err := f.Store.Get(t.Context(), key, 0, -1)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				t.Fatalf("Get: %v", err)
			}
			if got := readAll(t, r); !bytes.Equal(got, body) {
				t.Errorf("saw %d bytes of %d", len(got), len(body))
			}
			return
		}
	},
	"what a caller does to a body after the put changes nothing": func(t *testing.T, f Fixture) {
		key, body := prefix()+"k", []byte("body")
		put(t, f.Store, key, body)
		body[0] = 'x'
		if got := get(t, f.Store, key); string(got) != "body" {
			t.Errorf("blob = %q", got)
		}
	},
	"a deleted blob is gone and its key is free": func(t *testing.T, f Fixture) {
		key := prefix() + "a/b"
		put(t, f.Store, key, []byte("1"))
		remove(t, f.Store, key)
		_, err := f.Store.Stat(t.Context(), key)
		fails(t, err, fault.NotFound)
		put(t, f.Store, key, []byte("2"))
		if got := get(t, f.Store, key); string(got) != "2" {
			t.Errorf("blob = %q, want the second", got)
		}
	},
	"deleting an absent blob is fine": func(t *testing.T, f Fixture) {
		remove(t, f.Store, prefix()+"k")
	},
}

var reads = map[string]func(*testing.T, Fixture){
	"an absent key is NotFound": func(t *testing.T, f Fixture) {
		p := prefix()
		put(t, f.Store, p+"folder/k", nil)
		for _, key := range []string{p + "k", p + "folder", p + "folder/k/below"} {
			_, err := f.Store.Get(t.Context(), key, 0, -1)
			fails(t, err, fault.NotFound)
			_, err = f.Store.Stat(t.Context(), key)
			fails(t, err, fault.NotFound)
		}
	},
	"a range of an absent key is NotFound": func(t *testing.T, f Fixture) {
		_, err := f.Store.Get(t.Context(), prefix()+"k", 10, 0)
		fails(t, err, fault.NotFound)
	},
	"any range returns its bytes, as far as there are some": func(t *testing.T, f Fixture) {
		key, body := prefix()+"k", random(1000)
		put(t, f.Store, key, body)
		rapid.Check(t, func(r *rapid.T) {
			offset := rapid.Int64Range(0, 999).Draw(r, "offset")
			length := rapid.Int64Range(-1, 1100).Draw(r, "length")
			want := body[offset:]
			if length >= 0 {
				want = want[:min(length, int64(len(want)))]
			}
			got, err := f.Store.Get(t.Context(), key, offset, length)
			if err != nil {
				r.Fatalf("Get: %v", err)
			}
			if !bytes.Equal(readAll(t, got), want) {
				r.Fatalf("wrong bytes")
			}
		})
	},
	"a range that begins past the end is Invalid": func(t *testing.T, f Fixture) {
		key := prefix() + "k"
		put(t, f.Store, key, []byte("12345"))
		for _, length := range []int64{-1, 0, 1} {
			for _, offset := range []int64{5, 6, 1 << 40, -1} {
				_, err := f.Store.Get(t.Context(), key, offset, length)
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("Get(%d, %d): %v, want Invalid", offset, length, err)
				}
			}
		}
	},
	"Stat tells key, size and when": func(t *testing.T, f Fixture) {
		key := prefix() + "k"
		put(t, f.Store, key, []byte("12345"))
		got, err := f.Store.Stat(t.Context(), key)
		if err != nil || got.Key != key || got.Size != 5 {
			t.Errorf("Stat = %+v, %v", got, err)
		}
		if age := time.Since(got.Modified).Abs(); age > 10*time.Minute {
			t.Errorf("modified %v, which is %v off", got.Modified, age)
		}
	},
}

// prefix returns one that no other test uses.
func prefix() string { return "test/" + rand.Text() + "/" }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func put(t testing.TB, s blob.Store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, body); err != nil {
		t.Errorf("Put(%q): %v", key, err)
	}
}

func remove(t testing.TB, s blob.Store, key string) {
	t.Helper()
	if err := s.Delete(t.Context(), key); err != nil {
		t.Errorf("Delete(%q): %v", key, err)
	}
}

func get(t testing.TB, s blob.Store, key string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return readAll(t, r)
}

func readAll(t testing.TB, r io.ReadCloser) []byte {
	t.Helper()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("read: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	return body
}

func fails(t testing.TB, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("error %v, want kind %v", err, want)
	}
}
