package tabular

import (
	"archive/zip"
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/fault"
)

// files are the files that a source holds: one, or the entries of a zip.
type files struct {
	ctx     context.Context // of the call that reads
	src     Source
	packing Compression
	entries []*zip.File
	random  *random // of a zip
	at      int     // entries, or the one file, begun
	counter *counter
}

func openFiles(ctx context.Context, src Source, o Options) (*files, error) {
	f := &files{ctx: ctx, src: src, packing: o.Compression, counter: &counter{}}
	if o.Compression != Zip {
		return f, nil
	}
	f.random = newRandom(ctx, src)
	var err error
	f.entries, err = zipEntries(f.random)
	return f, err
}

// within makes a context that of what is read from now on.
func (f *files) within(ctx context.Context) {
	f.ctx = ctx
	if f.random != nil {
		f.random.ctx = ctx
	}
}

func (f *files) count() int {
	if f.packing == Zip {
		return len(f.entries)
	}
	return 1
}

// last reports whether no file comes after the one that was begun.
func (f *files) last() bool { return f.at == f.count() }

func (f *files) read() int64 {
	if f.random != nil {
		return min(f.random.total, f.src.Size())
	}
	return f.counter.n
}

// next begins the next file. It fails with io.EOF after the last.
func (f *files) next() (name string, err error) {
	if f.last() {
		return "", io.EOF
	}
	f.at++
	if f.packing == Zip {
		return f.entries[f.at-1].Name, nil
	}
	return "", nil
}

// open opens the file that was begun, unpacked.
func (f *files) open() (io.ReadCloser, error) {
	if f.packing == Zip {
		e := f.entries[f.at-1]
		body, err := e.Open()
		if err != nil {
			return nil, f.random.failure(err)
		}
		return &bounded{r: body, close: body.Close, packed: func() int64 { return int64(e.CompressedSize64) }, err: &f.random.err}, nil // #nosec G115 -- a ratio's divisor
	}
	raw := &ranges{files: f}
	c := &counter{r: raw}
	f.counter = c
	unpacked, release, err := unpack(c, f.packing)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &bounded{r: unpacked, err: &c.err, packed: func() int64 { return c.n }, close: func() error {
		release()
		return raw.Close()
	}}, nil
}

func unpack(r io.Reader, c Compression) (unpacked io.Reader, release func(), err error) {
	switch c {
	case Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, unreadable(err)
		}
		return z, func() {}, nil
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, unreadable(err)
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}

// counter counts the bytes that are read of a source, and keeps its error, which readers
// of formats may hide behind their own.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// bounded refuses to unpack more than a file may.
type bounded struct {
	r      io.Reader
	close  func() error
	packed func() int64
	n      int64
	err    *error // of the source
}

func (b *bounded) Close() error { return b.close() }

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if *b.err != nil {
		return n, *b.err
	}
	if b.n > maxUnpacked || b.n > freeUnpacked && b.n/maxRatio > b.packed() {
		return 0, fault.New(fault.Invalid, "unpacks_too_far", "the file unpacks to more than %d times its size, or to more than %d GiB", maxRatio, maxUnpacked>>30).
			WithHint("send it unpacked, or in parts")
	}
	return n, err
}

// zipEntries returns the files of a zip that hold rows.
func zipEntries(r *random) ([]*zip.File, error) {
	z, err := zip.NewReader(r, r.src.Size())
	if err != nil {
		return nil, r.failure(err)
	}
	if len(z.File) > maxEntries {
		return nil, fault.New(fault.Invalid, "too_many_entries", "the zip holds more than %d files", maxEntries).WithHint("make several zips of it")
	}
	entries := slices.DeleteFunc(z.File, func(f *zip.File) bool {
		base := path.Base(f.Name)
		return strings.HasSuffix(f.Name, "/") || strings.HasPrefix(f.Name, "__MACOSX/") || strings.HasPrefix(base, ".") || base == "Thumbs.db"
	})
	for _, f := range entries {
		if path.Ext(f.Name) != path.Ext(entries[0].Name) {
			return nil, fault.New(fault.Invalid, "mixed_zip", "the zip holds files of several formats: %.100q and %.100q", entries[0].Name, f.Name).
				WithHint("make a zip for each format; its files are told by their endings")
		}
		if f.Flags&1 != 0 {
			return nil, fault.New(fault.Invalid, "encrypted_file", "the zip is encrypted").WithHint("send it without a password: it travels encrypted anyway")
		}
	}
	if len(entries) == 0 {
		return nil, fault.New(fault.Invalid, "empty_zip", "the zip holds no file")
	}
	return entries, nil
}

// failure returns the error of the source where there is one, else that of a reader.
func (r *random) failure(err error) error {
	if r.err != nil {
		return r.err
	}
	return unreadable(err)
}

// failureOf is failure, and nil for no error.
func (r *random) failureOf(err error) error {
	if err == nil {
		return nil
	}
	return r.failure(err)
}
