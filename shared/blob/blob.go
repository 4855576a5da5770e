// Package blob is the port for files that are written once: segments, snapshots,
// uploads. Package blobtest holds the suite that every implementation passes.
package blob

import (
	"context"
	"io"
	"time"
)

// MaxSize is the size limit of a blob in bytes: what one put to S3 takes.
const MaxSize = 5 << 30

// Info describes a stored blob.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Page is one page of a List. Next continues after it; empty means there is no more.
type Page struct {
	Blobs []Info
	Next  string
}

// Store keeps blobs under keys: path-like text of 1 to 900 bytes in segments of
// a-z A-Z 0-9 . _ = and -, joined by '/'; no segment is "." or ".." or empty, and no
// key is the folder of another. Other keys are fault.Invalid.
type Store interface {
	// Put stores a blob unless the key is taken, then fault.Conflict. A reader sees
	// all of it or nothing. When Put returns nil the blob survives a crash.
	Put(ctx context.Context, key string, body []byte) error

	// PutFrom stores a blob of size bytes as Put does, without holding it in memory.
	// body is read from its beginning, and again when a try failed.
	PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error

	// Get returns length bytes from offset; length < 0 means to the end. A range
	// that begins past the end is fault.Invalid; an absent key is fault.NotFound.
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)

	// Stat describes a blob, or answers fault.NotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// List returns blobs whose keys begin with prefix, in bytewise order of their keys.
	List(ctx context.Context, prefix, next string, limit int) (Page, error)

	// Delete removes a blob; an absent one is fine.
	Delete(ctx context.Context, key string) error

	// PresignGet and PresignPut return a URL that lets its holder fetch or store
	// one blob until it expires, with no other credential.
	PresignGet(ctx context.Context, key string, expires time.Duration) (string, error)
	PresignPut(ctx context.Context, key string, expires time.Duration) (string, error)
}

// Pather is implemented by stores whose blobs are files of this machine, so that
// an engine can read them in place.
type Pather interface {
	// Path returns the file that holds the blob.
	Path(key string) (string, error)
}
