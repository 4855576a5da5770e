// #nosec G115 -- a count is held against the bytes that are left before it is used; days keep their bits

package partial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
)

// form is how answers of one kind are measured and written down.
type form[T any] struct {
	version string // of what blobs hold; it is part of their keys
	size    func(T) int64
	append  func([]byte, T) []byte
	read    func(*reader) T
}

var (
	packers   = sync.OnceValue(func() *zstd.Encoder { w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); return w }) // no option can fail
	unpackers = sync.OnceValue(func() *zstd.Decoder {
		r, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
		return r
	})
)

// maxUnpacked bounds what a blob may hold, in bytes.
const maxUnpacked = 256 << 20

// encode writes units: their number, then of each the last day, the keys of its
// segments, and the answer.
func (f form[T]) encode(units []unit[T]) []byte {
	out := binary.AppendUvarint(nil, uint64(len(units)))
	for _, u := range units {
		out = binary.AppendVarint(out, int64(u.last))
		out = binary.AppendUvarint(out, uint64(len(u.segments)))
		for _, key := range u.segments {
			out = append(binary.AppendUvarint(out, uint64(len(key))), key...)
		}
		out = f.append(out, u.answer)
	}
	return packers().EncodeAll(out, nil)
}

var errBroken = errors.New("it is no list of units")

func (f form[T]) decode(packed []byte) ([]unit[T], error) {
	data, err := unpackers().DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	r := reader{data: data}
	var units []unit[T]
	for n := r.count(); n > 0 && !r.broken; n-- {
		u := unit[T]{last: segment.Day(r.varint())}
		for n := r.count(); n > 0 && !r.broken; n-- {
			u.segments = append(u.segments, r.text())
		}
		u.answer = f.read(&r)
		units = append(units, u)
	}
	if r.broken || len(r.data) > 0 {
		return nil, errBroken
	}
	return units, nil
}

// groupsForm writes the number of rows, and of each the number of values and the values.
var groupsForm = form[[][]query.Value]{
	version: "1",
	size:    sizeOf,
	append: func(out []byte, rows [][]query.Value) []byte {
		out = binary.AppendUvarint(out, uint64(len(rows)))
		for _, row := range rows {
			out = binary.AppendUvarint(out, uint64(len(row)))
			for _, v := range row {
				out = v.AppendBinary(out)
			}
		}
		return out
	},
	read: func(r *reader) (rows [][]query.Value) {
		for n := r.count(); n > 0 && !r.broken; n-- {
			row := make([]query.Value, r.count())
			for i := range row {
				row[i] = r.value()
			}
			rows = append(rows, row)
		}
		return rows
	},
}

// trailsForm writes trails as their package does.
var trailsForm = form[trail.Trails]{
	version: "trails-2",
	size:    trail.Trails.Size,
	append:  func(out []byte, t trail.Trails) []byte { return t.AppendBinary(out) },
	read: func(r *reader) trail.Trails {
		t, rest, err := trail.Decode(r.data)
		if err != nil {
			r.fail()
			return trail.Trails{}
		}
		r.data = rest
		return t
	},
}

// reader reads what encode wrote. After a mistake it reads zeros.
type reader struct {
	data   []byte
	broken bool
}

func (r *reader) fail() {
	r.data, r.broken = nil, true
}

// count reads the number of things that take a byte at least.
func (r *reader) count() int {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > uint64(len(r.data)-n) {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return int(v)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) text() string {
	n := r.count()
	text := string(r.data[:n])
	r.data = r.data[n:]
	return text
}

func (r *reader) value() query.Value {
	v, rest, err := query.DecodeValue(r.data)
	if err != nil {
		r.fail()
		return query.Value{}
	}
	r.data = rest
	return v
}
