package compact

import (
	"bytes"
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// whole reads a blob with one request, however many of its ranges are asked for, and
// keeps the last one: a merge needs every byte of one segment after the other.
type whole struct {
	blob.Store
	key  string
	body []byte
}

// Get implements blob.Store.
func (w *whole) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if key != w.key {
		body, err := w.read(ctx, key)
		if err != nil {
			return nil, err
		}
		w.key, w.body = key, body
	}
	size := int64(len(w.body))
	if offset > size {
		return nil, fault.New(fault.Invalid, "past_the_end", "%s has %d bytes", key, size)
	}
	rest := w.body[offset:]
	if length >= 0 && length < int64(len(rest)) {
		rest = rest[:length]
	}
	return io.NopCloser(bytes.NewReader(rest)), nil
}

func (w *whole) read(ctx context.Context, key string) ([]byte, error) {
	r, err := w.Store.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "blob_read", err)
	}
	return body, nil
}
