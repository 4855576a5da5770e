// Package disk is the little of a file system that the embedded stores need, with
// the calls that make a change durable among it. It is an interface so that tests
// can cut the power: package disktest holds a file system that forgets whatever
// was not synced.
package disk

import (
	"io"
	"io/fs"
)

// FS is a file system. Names are paths as the operating system writes them. A
// change of a folder (Create, Link, Rename, Remove, Mkdir) survives a power cut
// only after SyncDir of that folder, a change of a file only after its Sync.
// Errors satisfy errors.Is for fs.ErrExist and fs.ErrNotExist.
type FS interface {
	Open(name string) (File, error)      // for reading
	OpenWrite(name string) (File, error) // for reading and writing
	Create(name string) (File, error)    // for reading and writing; fs.ErrExist when the name is taken
	Link(from, to string) error          // gives the file a second name; fs.ErrExist when it is taken
	Rename(from, to string) error        // replaces a file of the new name
	Remove(name string) error            // a file, or a folder that is empty
	Mkdir(name string) error
	ReadDir(name string) ([]fs.DirEntry, error) // sorted by name
	Stat(name string) (fs.FileInfo, error)
	SyncDir(name string) error
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error // the data, and as much of the rest as is needed to read it back
	Size() (int64, error)
}

// ReadFile returns the whole of a file.
func ReadFile(d FS, name string) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	body := make([]byte, size)
	if _, err := f.ReadAt(body, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return body, nil
}

// WriteFile stores a new file and syncs it, but not its folder.
func WriteFile(d FS, name string, body []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(body, 0)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
