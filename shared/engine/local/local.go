// Package local brings segments to where an engine can read them: as files of this
// machine. Of a file only the columns that were asked for are there, each at its place;
// the rest are holes that take no room. Blobs never change, so that what was once
// fetched is good for ever; a bounded folder keeps the files used last.
package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

const (
	fetches = 16        // at a time, for one query
	nearby  = 128 << 10 // bytes between two ranges that are fetched as one rather than ask again
)

// Files turns segments into files.
type Files struct {
	blobs blob.Store
	dir   string
	limit int64

	mu      sync.Mutex
	entries map[string]*entry // by key
	clock   int64             // counts uses
	bytes   int64             // of all that was fetched
}

// Want is what is read of a segment.
type Want struct {
	Ref     segment.Ref
	Columns []string // names in the file; those that it lacks are not missed
	All     bool     // every column
}

// entry is a segment in the folder.
type entry struct {
	path string
	busy chan struct{} // holds one while somebody fetches, who alone may read and write what follows
	file *columnfile.File
	have map[string]bool // columns

	size int64 // of what was fetched; with pins and used guarded by Files.mu
	pins int
	used int64
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

// Open returns files that hold what is wanted of segments, in order. They stay until
// release is called.
func (f *Files) Open(ctx context.Context, wants []Want) (paths []string, release func(), err error) {
	if pather, ok := f.blobs.(blob.Pather); ok {
		paths, err = inPlace(pather, wants)
		return paths, func() {}, err
	}
	pinned := make([]*entry, len(wants))
	for i, w := range wants {
		pinned[i] = f.pin(w.Ref.Key)
		paths = append(paths, pinned[i].path)
	}
	release = func() { f.unpin(pinned) }
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i, e := range pinned {
		group.Go(func() error { return f.complete(ctx, wants[i], e) })
	}
	if err := group.Wait(); err != nil {
		release()
		return nil, nil, err
	}
	return paths, release, nil
}

func inPlace(pather blob.Pather, wants []Want) ([]string, error) {
	paths := make([]string, len(wants))
	for i, w := range wants {
		var err error
		if paths[i], err = pather.Path(w.Ref.Key); err != nil {
			return nil, fmt.Errorf("segment %s: %w", w.Ref.Key, err)
		}
		if _, err := os.Stat(paths[i]); errors.Is(err, fs.ErrNotExist) {
			return nil, segment.Gone(err)
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
		e = &entry{path: filepath.Join(f.dir, hex.EncodeToString(hash[:])+extension), busy: make(chan struct{}, 1), have: map[string]bool{}}
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

// complete brings an entry's file up to what is wanted. Of several callers one fetches
// at a time, and the next finds what it left.
func (f *Files) complete(ctx context.Context, w Want, e *entry) error {
	select {
	case e.busy <- struct{}{}:
		defer func() { <-e.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	fetched, err := f.fetch(ctx, w, e)
	f.mu.Lock()
	defer f.mu.Unlock()
	e.size += fetched
	f.bytes += fetched
	f.evict()
	if fault.Is(err, fault.NotFound) {
		return segment.Gone(err)
	}
	if err != nil {
		return fmt.Errorf("segment %s: %w", w.Ref.Key, err)
	}
	return nil
}

// fetch fetches what an entry lacks and returns how many bytes that were.
func (f *Files) fetch(ctx context.Context, w Want, e *entry) (fetched int64, err error) {
	if e.file == nil {
		if fetched, err = f.begin(ctx, w.Ref, e); err != nil {
			return fetched, err
		}
	}
	columns := w.Columns
	if w.All {
		columns = e.file.Columns()
	}
	var missing []string
	var ranges []columnfile.Range
	for _, column := range columns {
		if !e.have[column] {
			missing = append(missing, column)
			ranges = append(ranges, e.file.Ranges(column)...)
		}
	}
	more, err := f.fill(ctx, w.Ref, e.path, joined(ranges))
	if err != nil {
		return fetched + more, err
	}
	for _, column := range missing {
		e.have[column] = true
	}
	return fetched + more, nil
}

// begin makes the file with nothing but its tail, which tells where the rest is.
func (f *Files) begin(ctx context.Context, ref segment.Ref, e *entry) (int64, error) {
	if ref.Tail <= 0 || ref.Tail > ref.Bytes {
		return 0, fmt.Errorf("a tail of %d bytes of %d", ref.Tail, ref.Bytes)
	}
	tail := columnfile.Range{Offset: ref.Bytes - ref.Tail, Length: ref.Tail}
	if _, err := f.fill(ctx, ref, e.path, []columnfile.Range{tail}); err != nil {
		return 0, err
	}
	file, err := os.Open(e.path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	body := make([]byte, ref.Tail)
	if _, err := file.ReadAt(body, tail.Offset); err != nil {
		return 0, err
	}
	if crc32.ChecksumIEEE(body) != ref.TailSum {
		return 0, errors.New("the checksum of its tail differs")
	}
	e.file, err = columnfile.Open(body, ref.Bytes)
	return ref.Tail, err
}

// fill writes ranges of a blob to their places in a file.
func (f *Files) fill(ctx context.Context, ref segment.Ref, path string, ranges []columnfile.Range) (total int64, err error) {
	if len(ranges) == 0 {
		return 0, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600) // #nosec G304 -- a file of the cache, named by the id of a segment
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches / 4)
	for _, r := range ranges {
		total += r.Length
		group.Go(func() error {
			body, err := f.blobs.Get(ctx, ref.Key, r.Offset, r.Length)
			if err != nil {
				return err
			}
			defer body.Close()
			n, err := io.Copy(io.NewOffsetWriter(file, r.Offset), body)
			if err == nil && n != r.Length {
				return fmt.Errorf("%d bytes at %d, not %d", n, r.Offset, r.Length)
			}
			return err
		})
	}
	return total, group.Wait()
}

// joined sorts ranges and joins those that are nearby.
func joined(ranges []columnfile.Range) (out []columnfile.Range) {
	slices.SortFunc(ranges, func(a, b columnfile.Range) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, r := range ranges {
		if n := len(out) - 1; n >= 0 && r.Offset <= out[n].Offset+out[n].Length+nearby {
			out[n].Length = max(out[n].Length, r.Offset+r.Length-out[n].Offset)
			continue
		}
		out = append(out, r)
	}
	return out
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
		f.remove(oldest, f.entries[oldest])
	}
}

// Drop removes what was fetched of blobs that are no more. A file that is being read goes
// when it is not any more.
func (f *Files) Drop(keys ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if e := f.entries[key]; e != nil && e.pins == 0 {
			f.remove(key, e)
		}
	}
}

func (f *Files) remove(key string, e *entry) {
	delete(f.entries, key)
	f.bytes -= e.size
	_ = os.Remove(e.path) // the folder is swept when the next process starts
}

// Dir returns the folder of fetched files, empty where blobs are read in place.
func (f *Files) Dir() string {
	if _, ok := f.blobs.(blob.Pather); ok {
		return ""
	}
	return f.dir
}
