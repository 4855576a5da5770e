package tabular

import (
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// Source is a file. Reading it again gives the same bytes.
type Source interface {
	// Open returns length bytes from offset; length < 0 means to the end.
	Open(ctx context.Context, offset, length int64) (io.ReadCloser, error)
	Size() int64
}

// FromBlob returns a stored blob of size bytes as a Source.
func FromBlob(store blob.Store, key string, size int64) Source {
	return blobSource{store, key, size}
}

type blobSource struct {
	store blob.Store
	key   string
	size  int64
}

func (b blobSource) Size() int64 { return b.size }

func (b blobSource) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return b.store.Get(ctx, b.key, offset, length)
}

// FromReaderAt returns size bytes of r as a Source: bytes.Reader and os.File are such.
func FromReaderAt(r io.ReaderAt, size int64) Source { return readerAt{r, size} }

type readerAt struct {
	r    io.ReaderAt
	size int64
}

func (r readerAt) Size() int64 { return r.size }

func (r readerAt) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = r.size - offset
	}
	return io.NopCloser(io.NewSectionReader(r.r, offset, length)), nil
}

// ranges reads a Source from its beginning, range by range: a store gives up on who pauses
// for long, as a loader does between parts.
type ranges struct {
	files *files
	at    int64
	begin int64         // of the range that is read
	body  io.ReadCloser // of that range
}

const rangeSize = 16 << 20

func (r *ranges) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if r.at >= r.files.src.Size() {
				return 0, io.EOF
			}
			body, err := r.files.src.Open(r.files.ctx, r.at, min(rangeSize, r.files.src.Size()-r.at))
			if err != nil {
				return 0, err
			}
			r.body, r.begin = body, r.at
		}
		n, err := r.body.Read(p)
		r.at += int64(n)
		if err == io.EOF {
			err = r.Close()
			if err == nil && r.at == r.begin {
				err = io.ErrUnexpectedEOF // the source is shorter than it says
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the range that is read.
func (r *ranges) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}

const (
	pageSize = 1 << 20
	maxPages = 16
)

// random reads a Source at any place, through the pages that were read last: its readers
// ask for little at a time, and each question to a store costs a round trip.
type random struct {
	ctx   context.Context // of the one call that the reader lives in
	src   Source
	pages map[int64][]byte
	order []int64 // of pages, oldest first
	total int64   // bytes fetched
	err   error   // of the source: readers of formats hide it behind their own
}

func newRandom(ctx context.Context, src Source) *random {
	return &random{ctx: ctx, src: src, pages: map[int64][]byte{}}
}

// ReadAt implements io.ReaderAt.
func (r *random) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fault.New(fault.Invalid, "bad_offset", "the file refers to a place before its beginning")
	}
	n := 0
	for n < len(p) && offset < r.src.Size() {
		page, err := r.page(offset / pageSize)
		if err != nil {
			r.err = err
			return n, err
		}
		at := offset % pageSize
		if at >= int64(len(page)) {
			return n, io.ErrUnexpectedEOF
		}
		copied := copy(p[n:], page[at:])
		n, offset = n+copied, offset+int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *random) page(i int64) ([]byte, error) {
	if page, ok := r.pages[i]; ok {
		return page, nil
	}
	page, err := readRange(r.ctx, r.src, i*pageSize, min(pageSize, r.src.Size()-i*pageSize))
	if err != nil {
		return nil, err
	}
	if len(r.order) == maxPages {
		delete(r.pages, r.order[0])
		r.order = r.order[1:]
	}
	r.pages[i], r.order = page, append(r.order, i)
	r.total += int64(len(page))
	return page, nil
}

func readRange(ctx context.Context, src Source, offset, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil // a store refuses ranges at its end
	}
	body, err := src.Open(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := make([]byte, length)
	n, err := io.ReadFull(body, data)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return data[:n], nil
	}
	return data, err
}
