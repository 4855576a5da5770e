package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// Blobs is a blob.Store in a folder: a blob is a file whose name spells its key.
// A body is written and synced under a passing name, then linked to its own, which
// fails if that is taken, and the folder is synced. Keys that differ only in case
// need a file system that tells them apart.
type Blobs struct {
	root    string // holds the blobs
	passing string // a folder for files that are being written
	disk    disk.FS
	space   *disk.Space
	signer  signer

	// folders is held by those who put a file into a folder, and wholly by those
	// who remove an empty one.
	folders sync.RWMutex
	durable sync.Map // folders that are known to be synced
}

func openBlobs(root, passing string, d disk.FS, space *disk.Space, s signer) (*Blobs, error) {
	b := &Blobs{root: root, passing: passing, disk: d, space: space, signer: s}
	for _, dir := range []string{root, passing} {
		if err := d.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if err := d.SyncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	leftovers, err := d.ReadDir(passing)
	if err != nil {
		return nil, err
	}
	for _, entry := range leftovers {
		if err := d.Remove(filepath.Join(passing, entry.Name())); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Put stores a blob unless the key is taken. A key that is the folder of another,
// or lies below one, is fault.Invalid.
func (b *Blobs) Put(ctx context.Context, key string, body []byte) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	return b.store(ctx, key, bytes.NewReader(body), int64(len(body)))
}

// PutFrom stores a blob as Put does, from its beginning.
func (b *Blobs) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("body of blob %q: %w", key, err)
	}
	return b.store(ctx, key, io.LimitReader(body, size), size)
}

// store puts what r holds; size is what it is expected to be.
func (b *Blobs) store(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.space.Take(int(max(0, size))); err != nil {
		return err
	}
	passing := filepath.Join(b.passing, rand.Text())
	if err := b.write(passing, r); err != nil {
		_ = b.disk.Remove(passing) // the next start does it if this fails
		return err
	}
	err := b.publish(passing, key)
	_ = b.disk.Remove(passing)
	return err
}

func (b *Blobs) write(name string, r io.Reader) error {
	f, err := b.disk.Create(name)
	if err != nil {
		return unwritable(err)
	}
	defer f.Close()
	if _, err := io.Copy(io.NewOffsetWriter(f, 0), r); err != nil {
		return unwritable(err)
	}
	return unwritable(f.Sync())
}

// unwritable gives an error of the file system, or of an upload, its kind.
func unwritable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.TooLarge, "blob_too_large", "a blob is larger than %d bytes", tooLarge.Limit)
	}
	return fault.Wrap(fault.Unavailable, "blob_unwritable", err)
}

// publish gives a synced file the name of its key. A Conflict too is answered only
// after the folder is synced: its caller may rely on the blob that is there.
func (b *Blobs) publish(passing, key string) error {
	b.folders.RLock()
	defer b.folders.RUnlock()
	path := b.path(key)
	if err := b.makeFolders(key); err != nil {
		return err
	}
	err := b.disk.Link(passing, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return unwritable(err)
	}
	if info, statErr := b.disk.Stat(path); err != nil && statErr == nil && info.IsDir() {
		return folderKey(key)
	}
	if syncErr := b.disk.SyncDir(filepath.Dir(path)); syncErr != nil {
		return unwritable(syncErr)
	}
	if err != nil {
		return fault.New(fault.Conflict, "blob_exists", "there is a blob %q", key)
	}
	return nil
}

func folderKey(key string) error {
	return fault.New(fault.Invalid, "key_is_folder", "%q is the folder of another key, or lies below one", key)
}

// makeFolders makes the folders of a key, each durable before the next.
func (b *Blobs) makeFolders(key string) error {
	dir := b.root
	names := namesOf(key)
	for _, name := range names[:len(names)-1] {
		parent := dir
		dir = filepath.Join(dir, name)
		if _, ok := b.durable.Load(dir); ok {
			continue
		}
		err := b.disk.Mkdir(dir)
		if errors.Is(err, fs.ErrExist) {
			if info, err := b.disk.Stat(dir); err == nil && !info.IsDir() {
				return folderKey(key)
			}
		} else if err != nil {
			return unwritable(err)
		}
		if err := b.disk.SyncDir(parent); err != nil {
			return unwritable(err)
		}
		b.durable.Store(dir, nil)
	}
	return nil
}

func (b *Blobs) path(key string) string {
	return filepath.Join(append([]string{b.root}, namesOf(key)...)...)
}

// Folder returns the folder that all blobs are in.
func (b *Blobs) Folder() string { return b.root }

// Path returns the file that holds a blob.
func (b *Blobs) Path(key string) (string, error) {
	if err := checkBlobKey(key); err != nil {
		return "", err
	}
	path := b.path(key)
	if _, err := b.stat(path, key); err != nil {
		return "", err
	}
	return path, nil
}

// Stat describes a blob.
func (b *Blobs) Stat(_ context.Context, key string) (blob.Info, error) {
	if err := checkBlobKey(key); err != nil {
		return blob.Info{}, err
	}
	return b.stat(b.path(key), key)
}

func (b *Blobs) stat(path, key string) (blob.Info, error) {
	info, err := b.disk.Stat(path)
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return blob.Info{}, unreadable(err, key)
	}
	return blob.Info{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

// unreadable gives an error of the file system its kind. A key below the key of a
// blob is absent, like any other.
func unreadable(err error, key string) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fault.New(fault.NotFound, "blob_not_found", "there is no blob %q", key)
	}
	return fault.Wrap(fault.Unavailable, "blob_unreadable", err)
}

// Get returns a range of a blob.
func (b *Blobs) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	info, err := b.Stat(ctx, key)
	if err != nil {
		return nil, err
	}
	if offset < 0 || offset > info.Size || offset == info.Size && offset > 0 {
		return nil, fault.New(fault.Invalid, "range_invalid", "blob %q has %d bytes, byte %d is not among them", key, info.Size, offset)
	}
	f, err := b.disk.Open(b.path(key))
	if err != nil {
		return nil, unreadable(err, key)
	}
	if length < 0 || length > info.Size-offset {
		length = info.Size - offset
	}
	return section{io.NewSectionReader(f, offset, length), f}, nil
}

// section is a range of a file, which it closes.
type section struct {
	*io.SectionReader
	io.Closer
}

// Delete removes a blob, and the folders that it leaves empty.
func (b *Blobs) Delete(_ context.Context, key string) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	path := b.path(key)
	if _, err := b.stat(path, key); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	}
	b.folders.Lock()
	defer b.folders.Unlock()
	if err := b.disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(err)
	}
	for {
		path = filepath.Dir(path)
		if path == b.root || b.disk.Remove(path) != nil { // it is not empty
			return unwritable(b.disk.SyncDir(path))
		}
		b.durable.Delete(path)
	}
}

var _ interface {
	blob.Store
	blob.Pather
} = (*Blobs)(nil)
