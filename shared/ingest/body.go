package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/fault"
)

// Limits bound the body of a request, in bytes. A zero limit is DefaultLimit.
type Limits struct {
	Sent  int // as it was sent
	Plain int // once decompressed
}

// DefaultLimit is what a body may have unless a handler says otherwise.
const DefaultLimit = 10 << 20

// Body is the plain body of a request, in memory that is used again after Release.
type Body struct{ Bytes []byte }

// ReadBody reads a body and decompresses it. What it is compressed with is told by
// its first bytes, not by its headers, because senders mislabel: the SDK of
// RudderStack calls a gzip body a form. (Snappy's blocks have no mark of their own, and
// are what the header says.) A Content-Encoding must still be one that is known, and true. A body past a limit is fault.TooLarge, and not read on; a body
// that cannot be read or decompressed is fault.Invalid.
func ReadBody(r io.Reader, header http.Header, limits Limits) (*Body, error) {
	declared, err := encoding(header)
	if err != nil {
		return nil, err
	}
	sent, err := readAll(r, orDefault(limits.Sent), "as sent")
	if err != nil {
		if !fault.Is(err, fault.TooLarge) {
			err = fault.New(fault.Invalid, "body_cut", "the body could not be read to its end").Because(err)
		}
		return nil, err
	}
	switch {
	case declared == "snappy":
		return unsnap(sent, orDefault(limits.Plain))
	case bytes.HasPrefix(sent.Bytes, []byte{0x1f, 0x8b}):
		return expand(sent, &gzips, orDefault(limits.Plain))
	case bytes.HasPrefix(sent.Bytes, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return expand(sent, &zstds, orDefault(limits.Plain))
	case declared != "":
		sent.Release()
		return nil, badEncoding(declared, nil)
	default:
		return sent, nil
	}
}

// Release gives the memory back. Nothing that shares it may be used after.
func (b *Body) Release() {
	const kept = 4 << 20
	if cap(b.Bytes) <= kept {
		b.Bytes = b.Bytes[:0]
		bodies.Put(b)
	}
}

var bodies = sync.Pool{New: func() any { return &Body{Bytes: make([]byte, 0, 16<<10)} }}

func orDefault(limit int) int {
	if limit == 0 {
		return DefaultLimit
	}
	return limit
}

// encoding returns the one compression that the header declares, or none.
func encoding(header http.Header) (string, error) {
	declared := ""
	for _, name := range strings.Split(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity":
			continue
		case "gzip", "x-gzip", "zstd", "snappy":
			if declared == "" {
				declared = name
				continue
			}
		}
		return "", fault.New(fault.Invalid, "unsupported_encoding", "the Content-Encoding %.80q is not understood", strings.Join(header.Values("Content-Encoding"), ",")).
			WithHint("send gzip, zstd, snappy or nothing")
	}
	return declared, nil
}

func badEncoding(name string, cause error) error {
	return fault.New(fault.Invalid, "bad_encoding", "the body is not valid %s", name).Because(cause)
}

// readAll reads r into a Body of at most limit bytes.
func readAll(r io.Reader, limit int, which string) (*Body, error) {
	b := bodies.Get().(*Body)
	for {
		if len(b.Bytes) == cap(b.Bytes) {
			b.Bytes = append(b.Bytes, 0)[:len(b.Bytes)]
		}
		n, err := r.Read(b.Bytes[len(b.Bytes):min(cap(b.Bytes), limit+1)])
		b.Bytes = b.Bytes[:len(b.Bytes)+n]
		var over *http.MaxBytesError
		switch {
		case len(b.Bytes) > limit || errors.As(err, &over):
			b.Release()
			return nil, tooLarge(limit, which)
		case err == io.EOF:
			return b, nil
		case err != nil:
			b.Release()
			return nil, err
		}
	}
}

// A codec decompresses one format.
type codec struct {
	name string
	pool sync.Pool // of expanders
}

type expander interface {
	io.Reader
	Reset(io.Reader) error
}

var gzips = codec{name: "gzip", pool: sync.Pool{New: func() any { return new(gzip.Reader) }}}

var zstds = codec{name: "zstd", pool: sync.Pool{New: func() any {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		panic(err) // only a wrong option of ours
	}
	return dec
}}}

// unsnap decompresses a block of snappy and releases it.
func unsnap(sent *Body, limit int) (*Body, error) {
	defer sent.Release()
	n, err := snappy.DecodedLen(sent.Bytes)
	if err != nil {
		return nil, badEncoding("snappy", err)
	}
	if n > limit {
		return nil, tooLarge(limit, "once decompressed")
	}
	plain := bodies.Get().(*Body)
	if cap(plain.Bytes) < n {
		plain.Bytes = make([]byte, 0, n)
	}
	if plain.Bytes, err = snappy.Decode(plain.Bytes[:n], sent.Bytes); err != nil {
		return nil, badEncoding("snappy", err)
	}
	return plain, nil
}

func tooLarge(limit int, which string) error {
	return fault.New(fault.TooLarge, "body_too_large", "the body has more than %d bytes %s", limit, which).
		WithHint("send the events in smaller batches")
}

// expand decompresses a body and releases it.
func expand(sent *Body, c *codec, limit int) (*Body, error) {
	defer sent.Release()
	e := c.pool.Get().(expander)
	defer c.pool.Put(e)
	if err := e.Reset(bytes.NewReader(sent.Bytes)); err != nil {
		return nil, badEncoding(c.name, err)
	}
	plain, err := readAll(e, limit, "once decompressed")
	if err != nil && !fault.Is(err, fault.TooLarge) {
		return nil, badEncoding(c.name, err)
	}
	return plain, err
}
