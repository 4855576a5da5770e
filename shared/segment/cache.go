package segment

import (
	"context"
	"hash/crc32"
	"io"
	"slices"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lru"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// maxTail bounds the tail that is read at once: the filters of about 600 million ids.
const maxTail = 1 << 30

// Cache reads segments of a store. It keeps footers, Bloom filters and the ids that
// were looked for, within a bound. A file that is not what its Ref says is an error,
// not an answer.
type Cache struct {
	store   blob.Store
	kept    *lru.Cache[cacheKey, any]
	learned *learned
}

// cacheKey names a part of a segment: a row group's ids; where group is negative, a
// row group's marks or the file.
type cacheKey struct {
	blob  string
	group int
}

const theFile = -1

func marksOf(group int) int { return -2 - group }

// NewCache returns a Cache that keeps up to memory bytes: half of them of what it
// read, half of what it learned.
func NewCache(store blob.Store, memory int64) *Cache {
	return &Cache{store: store, kept: lru.New[cacheKey, any](memory / 2), learned: newLearned(memory / 4)}
}

// file returns the opened file of a segment.
func (c *Cache) file(ctx context.Context, ref Ref) (*columnfile.File, error) {
	key := cacheKey{ref.Key, theFile}
	if kept, ok := c.kept.Get(key); ok {
		return kept.(*columnfile.File), nil
	}
	if ref.Tail <= 0 || ref.Tail > min(ref.Bytes, maxTail) {
		return nil, broken(ref, nil, "a tail of %d bytes of %d", ref.Tail, ref.Bytes)
	}
	tail, err := c.fetch(ctx, ref, ref.Bytes-ref.Tail, ref.Tail)
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(tail) != ref.TailSum {
		return nil, broken(ref, nil, "the checksum of its tail differs")
	}
	f, err := columnfile.Open(tail, ref.Bytes)
	if err != nil {
		return nil, broken(ref, err, "it cannot be opened")
	}
	c.kept.Put(key, f, f.Memory())
	return f, nil
}

// fetch reads exactly length bytes of a segment's blob.
func (c *Cache) fetch(ctx context.Context, ref Ref, offset, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	body, err := c.store.Get(ctx, ref.Key, offset, length)
	if fault.Is(err, fault.Invalid) {
		return nil, broken(ref, err, "it is shorter than %d bytes", ref.Bytes)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	read := make([]byte, length)
	if n, err := io.ReadFull(body, read); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, broken(ref, err, "%d bytes at %d, not %d", n, offset, length)
		}
		return nil, fault.Wrap(fault.Unavailable, "segment_read", err)
	}
	return read, nil
}

// column reads the rows of a row group of one column of a file into a column.
func (c *Cache) column(ctx context.Context, ref Ref, f *columnfile.File, group int, name string, form columnfile.Form, into *rows.Column) error {
	offset, length, err := f.Range(group, name)
	if err != nil {
		return broken(ref, err, "column %q", name)
	}
	chunk, err := c.fetch(ctx, ref, offset, length)
	if err != nil {
		return err
	}
	if err := f.Decode(group, name, form, chunk, into); err != nil {
		return broken(ref, err, "row group %d", group)
	}
	return nil
}

// table reads whole columns of a segment: the names and forms are those of want.
func (c *Cache) table(ctx context.Context, ref Ref, want []columnfile.Column) error {
	f, err := c.file(ctx, ref)
	if err != nil {
		return err
	}
	for group := range f.Groups() {
		for _, w := range want {
			if err := c.column(ctx, ref, f, group, w.Name, w.Form, w.Values); err != nil {
				return err
			}
		}
	}
	for _, w := range want {
		if !slices.Contains(w.Values.Null, true) {
			w.Values.Null = nil
		}
	}
	return nil
}

func broken(ref Ref, cause error, format string, args ...any) error {
	return fault.New(fault.Internal, "broken_segment", "segment "+ref.Key+": "+format, args...).Because(cause)
}

func (r Ref) idForm() columnfile.Form {
	if r.UUID {
		return columnfile.UUID
	}
	return columnfile.Text
}
