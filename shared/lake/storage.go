package lake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	icebergio "github.com/apache/iceberg-go/io"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// storage shows blobs as files to package table, which has no context to pass on:
// one is made for each call. The files that it reads are small.
type storage struct {
	context context.Context
	blobs   blob.Store
	root    string
	own     string // what begins so is the table's, and may be removed
}

var _ icebergio.WriteFileIO = storage{}

func (s storage) key(name string) (string, error) {
	key, ok := strings.CutPrefix(name, s.root)
	if !ok {
		return "", fmt.Errorf("%s is not below %s", name, s.root)
	}
	return key, nil
}

// ReadFile returns the content of a file.
func (s storage) ReadFile(name string) ([]byte, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	r, err := s.blobs.Get(s.context, key, 0, -1)
	if fault.Is(err, fault.NotFound) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Open reads a file at once.
func (s storage) Open(name string) (icebergio.File, error) {
	text, err := s.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return file{bytes.NewReader(text), name}, nil
}

// Create returns a writer that stores the file when it is closed.
func (s storage) Create(name string) (icebergio.FileWriter, error) {
	return &writer{storage: s, name: name}, nil
}

// WriteFile stores a file.
func (s storage) WriteFile(name string, content []byte) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	return s.blobs.Put(s.context, key, content)
}

// Remove removes a file of the table. Segments are the manifest's: they are swept when
// no version names them.
func (s storage) Remove(name string) error {
	key, err := s.key(name)
	if err != nil || !strings.HasPrefix(key, s.own) {
		return err
	}
	return s.blobs.Delete(s.context, key)
}

type writer struct {
	bytes.Buffer
	storage storage
	name    string
}

// Close stores what was written.
func (w *writer) Close() error { return w.storage.WriteFile(w.name, w.Bytes()) }

// file is a file that was read.
type file struct {
	*bytes.Reader
	name string
}

func (f file) Close() error               { return nil }
func (f file) Stat() (fs.FileInfo, error) { return f, nil }
func (f file) Name() string               { return path.Base(f.name) }
func (f file) Mode() fs.FileMode          { return 0o444 }
func (f file) ModTime() time.Time         { return time.Time{} }
func (f file) IsDir() bool                { return false }
func (f file) Sys() any                   { return nil }
