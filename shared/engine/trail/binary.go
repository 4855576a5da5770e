// #nosec G115 -- a count is held against the bytes that are left before it is used; what is read keeps its bits

package trail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"

	"github.com/tarnhq/tarn/shared/query"
)

// AppendBinary appends t as Decode reads it: whether equal steps are one, the number of
// runs, and of each its marks, its number of steps and its packed trails.
func (t Trails) AppendBinary(b []byte) []byte {
	b = append(b, 0)
	if t.once {
		b[len(b)-1] = 1
	}
	b = binary.AppendUvarint(b, uint64(len(t.runs)))
	for _, r := range t.runs {
		b = binary.AppendUvarint(b, uint64(len(r.marks)))
		for _, m := range r.marks {
			b = binary.AppendUvarint(b, m.Flags)
			b = binary.AppendUvarint(b, uint64(len(m.Values)))
			for _, v := range m.Values {
				b = v.AppendBinary(b)
			}
		}
		b = binary.AppendUvarint(b, uint64(r.steps))
		b = append(binary.AppendUvarint(b, uint64(len(r.data))), r.data...)
	}
	return b
}

var errBroken = errors.New("these bytes are no trails")

// Decode reads trails and returns the bytes after them.
func Decode(b []byte) (t Trails, rest []byte, err error) {
	r := reader{rest: b}
	switch r.uvarint() {
	case 0:
	case 1:
		t.once = true
	default:
		r.fail()
	}
	for n := r.count(); n > 0 && !r.broken; n-- {
		t.runs = append(t.runs, r.run())
	}
	if r.broken {
		return Trails{}, nil, errBroken
	}
	return t, r.rest, nil
}

// reader reads what AppendBinary wrote. After a mistake it reads zeros.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) fail() { r.rest, r.broken = nil, true }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads the number of things that take a byte at least.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) bytes() []byte {
	n := r.count()
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) run() (out run) {
	for n := r.count(); n > 0 && !r.broken; n-- {
		out.marks = append(out.marks, r.mark())
	}
	out.index, out.steps = &index{}, int64(r.uvarint())
	out.data = r.bytes()
	if !r.broken && !out.sound() {
		r.fail()
	}
	return out
}

func (r *reader) mark() (m Mark) {
	m.Flags = r.uvarint()
	for n := r.count(); n > 0 && !r.broken; n-- {
		v, rest, err := query.DecodeValue(r.rest)
		if err != nil {
			r.fail()
			return m
		}
		r.rest = rest
		m.Values = append(m.Values, v)
	}
	return m
}

// sound reports whether a run can be walked: what a cursor takes on trust is so.
func (r run) sound() bool {
	for i := 1; i < len(r.marks); i++ {
		if len(r.marks[i].Values) != len(r.marks[0].Values) || compareMarks(r.marks[i-1], r.marks[i]) >= 0 {
			return false
		}
	}
	in, steps, last, before := reader{rest: r.data}, int64(0), []byte(nil), uint64(0)
	for first := true; len(in.rest) > 0; first = false {
		name := in.bytes()
		at := rank(name)
		if in.broken || !first && (at < before || at == before && bytes.Compare(name, last) <= 0) {
			return false
		}
		last, before = name, at
		n, ok := in.steps(len(r.marks))
		if !ok {
			return false
		}
		steps += n
	}
	return !in.broken && steps == r.steps
}

// steps reads over a subject's steps.
func (r *reader) steps(marks int) (n int64, ok bool) {
	left := r.count()
	if left == 0 {
		return 0, false
	}
	at, size := binary.Varint(r.rest)
	if size <= 0 {
		return 0, false
	}
	r.rest = r.rest[size:]
	for i := range left {
		if i > 0 {
			since := r.uvarint()
			if since > math.MaxInt64 || at > math.MaxInt64-int64(since) {
				return 0, false
			}
			at += int64(since)
		}
		if r.uvarint() >= uint64(marks) || r.broken {
			return 0, false
		}
	}
	return int64(left), true
}
