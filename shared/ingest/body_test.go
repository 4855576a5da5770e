package ingest

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/fault"
)

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := stdgzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // a Buffer does not fail
	_ = w.Close()
	return b.Bytes()
}

func zstandard(text string) []byte {
	enc, _ := zstd.NewWriter(nil)
	return enc.EncodeAll([]byte(text), nil)
}

func TestReadBody(t *testing.T) {
	const plain = `[{"event":"a"}]`
	big := strings.Repeat("x", 5000)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	says := func(encodings ...string) http.Header { return http.Header{"Content-Encoding": encodings} }
	cases := map[string]struct {
		sent   []byte
		header http.Header
		limits Limits
		want   string // the plain body, or the code of the refusal
		kind   fault.Kind
	}{
		"plain":                       {[]byte(plain), nil, Limits{}, plain, 0},
		"identity":                    {[]byte(plain), says("identity"), Limits{}, plain, 0},
		"gzip":                        {gzipped(plain), says("gzip"), Limits{}, plain, 0},
		"gzip in capitals, in a list": {gzipped(plain), says("identity, GZIP"), Limits{}, plain, 0},
		"gzip that nobody declared":   {gzipped(plain), form, Limits{}, plain, 0},
		"gzip that is called zstd":    {gzipped(plain), says("zstd"), Limits{}, plain, 0},
		"zstd":                        {zstandard(plain), says("zstd"), Limits{}, plain, 0},
		"zstd that nobody declared":   {zstandard(plain), nil, Limits{}, plain, 0},
		"nothing":                     {nil, nil, Limits{}, "", 0},
		"as much as is allowed":       {[]byte(big), nil, Limits{Sent: 5000}, big, 0},
		"more than is allowed":        {[]byte(big), nil, Limits{Sent: 4999}, "body_too_large", fault.TooLarge},
		"as much gzip as is allowed":  {gzipped(big), nil, Limits{Plain: 5000}, big, 0},
		"a gzip bomb":                 {gzipped(big), nil, Limits{Plain: 4999}, "body_too_large", fault.TooLarge},
		"a zstd bomb":                 {zstandard(strings.Repeat("x", 20<<20)), nil, Limits{}, "body_too_large", fault.TooLarge},
		"half a gzip":                 {gzipped(big)[:20], nil, Limits{}, "bad_encoding", fault.Invalid},
		"a gzip with a wrong sum":     {append(gzipped(plain)[:len(gzipped(plain))-5], 1, 2, 3, 4, 5), nil, Limits{}, "bad_encoding", fault.Invalid},
		"two bytes of gzip":           {[]byte{0x1f, 0x8b}, nil, Limits{}, "bad_encoding", fault.Invalid},
		"half a zstd":                 {zstandard(big)[:10], nil, Limits{}, "bad_encoding", fault.Invalid},
		"plain that is called gzip":   {[]byte(plain), says("gzip"), Limits{}, "bad_encoding", fault.Invalid},
		"snappy":                      {snappy.Encode(nil, []byte(plain)), says("snappy"), Limits{}, plain, 0},
		"a snappy bomb":               {snappy.Encode(nil, []byte(big)), says("snappy"), Limits{Plain: 4999}, "body_too_large", fault.TooLarge},
		"half a snappy":               {snappy.Encode(nil, []byte(big))[:20], says("snappy"), Limits{}, "bad_encoding", fault.Invalid},
		"nothing that is a snappy":    {nil, says("snappy"), Limits{}, "bad_encoding", fault.Invalid},
		"brotli":                      {[]byte(plain), says("br"), Limits{}, "unsupported_encoding", fault.Invalid},
		"gzip of gzip":                {gzipped(plain), says("gzip", "gzip"), Limits{}, "unsupported_encoding", fault.Invalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time in memory that was used before
				body, err := ReadBody(iotest.OneByteReader(bytes.NewReader(c.sent)), c.header, c.limits)
				var e *fault.Error
				switch {
				case c.kind == 0 && (err != nil || string(body.Bytes) != c.want):
					t.Fatalf("%v, or another body", err)
				case c.kind != 0 && (!errors.As(err, &e) || e.Kind != c.kind || e.Code != c.want):
					t.Fatalf("%v, want %v %s", err, c.kind, c.want)
				}
				if err == nil {
					body.Release()
				}
			}
		})
	}
}

func TestABodyThatBreaksOffIsInvalid(t *testing.T) {
	for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
		_, err := ReadBody(io.MultiReader(strings.NewReader("[{"), iotest.ErrReader(cause)), nil, Limits{})
		if !fault.Is(err, fault.Invalid) || !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	}
	_, err := ReadBody(iotest.ErrReader(&http.MaxBytesError{Limit: 1}), nil, Limits{})
	if !fault.Is(err, fault.TooLarge) {
		t.Errorf("past the limit of the server: %v", err)
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add(gzipped("[]"))
	f.Add(zstandard("[]"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		body, err := ReadBody(bytes.NewReader(sent), nil, Limits{Sent: 1 << 16, Plain: 1 << 16})
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Errorf("%v: %v", k, err)
			}
			return
		}
		if len(body.Bytes) > 1<<16 {
			t.Errorf("%d bytes", len(body.Bytes))
		}
		body.Release()
	})
}
