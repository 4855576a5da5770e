// Package local brings segments to where an engine can read them: as files of this
// machine. Blobs never change, so that a file once fetched is good for ever; a
// bounded folder keeps those used last.
package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tarnhq/tarn/shared/blob"
)

const fetches = 16 // at a time, for one query

// Files turns blobs into files.
type Files struct {
	blobs blob.Store
	dir   string
	limit int64

	mu      sync.Mutex
	entries map[string]*entry // by key
	clock   int64             // counts uses
	bytes   int64             // of all entries that are on disk
}

// entry is a blob in the folder, or on its way there.
type entry struct {
	path  string
	ready chan struct{} // closed when size or err is set
	size  int64
	err   error
	pins  int
	used  int64
}

// New keeps up to limit bytes of blobs in dir, which it empties of what an earlier
// process left. It needs neither where the store's blobs are files already.
func New(blobs blob.Store, dir string, limit int64) (*Files, error) {
	f := &Files{blobs: blobs, dir: dir, limit: limit, entries: map[string]*entry{}}
	if _, ok := blobs.(blob.Pather); ok {
		return f, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("segment cache: %w", err)
	}
	return f, f.sweep()
}

func (f *Files) sweep() error {
	left, err := filepath.Glob(filepath.Join(f.dir, "*"+extension+"*"))
	if err != nil {
		return fmt.Errorf("segment cache: %w", err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("segment cache: %w", err)
		}
	}
	return nil
}

const extension = ".segment"

// Open returns the files of some blobs, in order. They stay until release is called.
func (f *Files) Open(ctx context.Context, keys []string) (paths []string, release func(), err error) {
	if pather, ok := f.blobs.(blob.Pather); ok {
		paths, err = inPlace(pather, keys)
		return paths, func() {}, err
	}
	pinned := make([]*entry, len(keys))
	for i, key := range keys {
		pinned[i] = f.pin(key)
	}
	release = func() { f.unpin(pinned) }
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i, e := range pinned {
		group.Go(func() error { return f.await(ctx, keys[i], e) })
	}
	if err := group.Wait(); err != nil {
		release()
		return nil, nil, err
	}
	for _, e := range pinned {
		paths = append(paths, e.path)
	}
	return paths, release, nil
}

func inPlace(pather blob.Pather, keys []string) ([]string, error) {
	paths := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if paths[i], err = pather.Path(key); err != nil {
			return nil, fmt.Errorf("segment %s: %w", key, err)
		}
	}
	return paths, nil
}

// pin finds or makes the entry of a key and keeps it from being evicted.
func (f *Files) pin(key string) *entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.entries[key]
	if e == nil {
		hash := sha256.Sum256([]byte(key))
		e = &entry{path: filepath.Join(f.dir, hex.EncodeToString(hash[:])+extension)}
		f.entries[key] = e
	}
	f.clock++
	e.used = f.clock
	e.pins++
	return e
}

func (f *Files) unpin(pinned []*entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range pinned {
		e.pins--
	}
	f.evict()
}

// await returns when the entry's file is there. Of several callers one fetches it;
// if that one's context ends, another takes over.
func (f *Files) await(ctx context.Context, key string, e *entry) error {
	for {
		f.mu.Lock()
		ready := e.ready
		mine := ready == nil
		if mine {
			ready = make(chan struct{})
			e.ready = ready
		}
		f.mu.Unlock()
		if mine {
			return f.fetch(ctx, key, e)
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.mu.Lock()
		done, err := e.ready == ready, e.err
		f.mu.Unlock()
		if done || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

func (f *Files) fetch(ctx context.Context, key string, e *entry) error {
	size, err := f.download(ctx, key, e.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	e.err = err
	close(e.ready)
	if err != nil {
		e.ready = nil // the next to come tries again
		return fmt.Errorf("segment %s: %w", key, err)
	}
	e.size = size
	f.bytes += size
	f.evict()
	return nil
}

func (f *Files) download(ctx context.Context, key, path string) (int64, error) {
	body, err := f.blobs.Get(ctx, key, 0, -1)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	file, err := os.CreateTemp(f.dir, "*"+extension+".part")
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(file, body)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(file.Name()))
	}
	return size, nil
}

// evict removes the files used longest ago until the rest fit. f.mu is held.
func (f *Files) evict() {
	for f.bytes > f.limit {
		oldest := ""
		for key, e := range f.entries {
			if e.pins == 0 && e.size > 0 && (oldest == "" || e.used < f.entries[oldest].used) {
				oldest = key
			}
		}
		if oldest == "" {
			return
		}
		e := f.entries[oldest]
		delete(f.entries, oldest)
		f.bytes -= e.size
		_ = os.Remove(e.path) // the folder is swept when the next process starts
	}
}

// Dir returns the folder of fetched files, empty where blobs are read in place.
func (f *Files) Dir() string {
	if _, ok := f.blobs.(blob.Pather); ok {
		return ""
	}
	return f.dir
}
