package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Reader reads the messages of one body. The zero Reader is ready for Reset. What it
// yields shares memory with the body and with Made, until the next Reset.
type Reader struct {
	In   scan.Reader // the body as JSON; and the shapes of events
	Made []byte      // texts that were made of others

	Flaw  scan.Flaw // the first since it was last cleared
	Where string    // what the Flaw is of, where that is known

	// Text is the value of a field of kind Text, Bytes or ID.
	Text string
	num  uint64 // the value of a number

	body  []byte
	json  bool
	inner []byte // the message at hand, in protobuf
}

// Reset starts on another body.
func (r *Reader) Reset(body []byte, json bool) {
	const kept = 1 << 20
	if cap(r.Made) > kept {
		r.Made = nil
	}
	r.Made = r.Made[:0]
	r.body, r.inner, r.json = body, body, json
	r.Flaw, r.Where = scan.None, ""
	r.In.Reset(body)
}

// Int, Float, Uint and Bool are the value of a field that is a number.
func (r *Reader) Int() int64     { return int64(r.num) } // #nosec G115 -- the same bits
func (r *Reader) Uint() uint64   { return r.num }
func (r *Reader) Float() float64 { return math.Float64frombits(r.num) }
func (r *Reader) Bool() bool     { return r.num != 0 }

// Mark is a message that will be read again.
type Mark struct {
	inner []byte
	pos   int
}

// Mark returns the message at hand, of which nothing was read yet.
func (r *Reader) Mark() Mark { return Mark{r.inner, r.In.Pos} }

// Back has the message be at hand again.
func (r *Reader) Back(m Mark) { r.inner, r.In.Pos = m.inner, m.pos }

// Pass moves past the message at hand and returns it: as it is in JSON, and in Base64 else.
func (r *Reader) Pass() (string, error) {
	if !r.json {
		return base64.StdEncoding.EncodeToString(r.inner), nil
	}
	start := r.In.Pos
	if !r.In.Skip() {
		return "", r.Broken("an object does not end")
	}
	return Share(r.In.Text[start:r.In.Pos]), nil
}

// Whole reads the body, a message, and has do read its fields, which is to call Each on
// each that is a message. Nothing may follow it.
func (r *Reader) Whole(do func() error) error {
	if r.json && r.In.Peek() != '{' {
		return r.Broken("an object was expected")
	}
	if err := do(); err != nil {
		return err
	}
	if r.json && r.In.Space() {
		return r.Broken("nothing was expected after the object")
	}
	return nil
}

// Each calls do for each value of the message at hand that is of a wanted field. Do must
// call Each for one that is itself a message.
func (r *Reader) Each(s Schema, want Fields, do func(n protowire.Number) error) error {
	if r.json {
		return r.eachMember(s, want, do)
	}
	rest := r.inner
	for len(rest) > 0 {
		n, typ, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return r.Broken("a tag was expected")
		}
		at := rest
		rest = rest[size:]
		f := s.numbered(n)
		if f == nil || !want.has(n) {
			if size = protowire.ConsumeFieldValue(n, typ, rest); size < 0 {
				return r.brokenAt(at, "a field does not end")
			}
			rest = rest[size:]
			continue
		}
		var err error
		if rest, err = r.field(f, typ, rest, do); err != nil {
			return err
		}
	}
	return nil
}

// field reads a value of a field, or several that are packed.
func (r *Reader) field(f *Field, typ protowire.Type, rest []byte, do func(protowire.Number) error) ([]byte, error) {
	if typ == types[f.Kind] {
		rest, err := r.value(f.Kind, rest)
		if err != nil {
			return nil, err
		}
		return rest, do(f.Number)
	}
	if !f.Repeated || typ != protowire.BytesType {
		return nil, r.brokenAt(rest, "a field is of another type")
	}
	packed, size := protowire.ConsumeBytes(rest)
	if size < 0 {
		return nil, r.brokenAt(rest, "a field does not end")
	}
	for len(packed) > 0 {
		var err error
		if packed, err = r.value(f.Kind, packed); err != nil {
			return nil, err
		}
		if err := do(f.Number); err != nil {
			return nil, err
		}
	}
	return rest[size:], nil
}

// value reads the value that rest begins with, and returns what follows.
func (r *Reader) value(k Kind, rest []byte) ([]byte, error) {
	var size int
	switch types[k] {
	case protowire.VarintType:
		r.num, size = protowire.ConsumeVarint(rest)
		if k == Zigzag {
			r.num = uint64(protowire.DecodeZigZag(r.num)) // #nosec G115 -- the same bits
		}
	case protowire.Fixed64Type:
		r.num, size = protowire.ConsumeFixed64(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, size = protowire.ConsumeFixed32(rest)
		r.num = uint64(v)
	default:
		var b []byte
		b, size = protowire.ConsumeBytes(rest)
		r.bytes(k, b)
	}
	if size < 0 {
		return nil, r.brokenAt(rest, "a value does not end")
	}
	return rest[size:], nil
}

func (r *Reader) bytes(k Kind, b []byte) {
	from := len(r.Made)
	switch k {
	case Message:
		r.inner = b
	case Text:
		r.Text = Share(b)
		switch {
		case !utf8.Valid(b):
			r.Spoil(scan.InvalidUTF8, "")
		case bytes.IndexByte(b, 0) >= 0:
			r.Spoil(scan.NUL, "")
		}
	case ID:
		r.Made = hex.AppendEncode(r.Made, b)
		r.Text = Share(r.Made[from:])
	case Bytes:
		r.Made = base64.StdEncoding.AppendEncode(r.Made, b)
		r.Text = Share(r.Made[from:])
	}
}

// Spoil notes a flaw of the event at hand.
func (r *Reader) Spoil(f scan.Flaw, where string) {
	if r.Flaw == scan.None {
		r.Flaw, r.Where = f, where
	}
}

// Broken says that the body breaks at hand.
func (r *Reader) Broken(what string) *fault.Error {
	if r.json {
		return r.In.Broken(what).WithHint("nothing of it was stored")
	}
	return r.brokenAt(r.inner, what)
}

// brokenAt says that the body breaks where rest begins. Every part of the body ends, by
// its capacity, where the body does.
func (r *Reader) brokenAt(rest []byte, what string) *fault.Error {
	return fault.New(fault.Invalid, "bad_protobuf", "the body is not the message that it should be: %s at byte %d", what, cap(r.body)-cap(rest)).
		WithHint("nothing of it was stored")
}

// Share returns bytes that are never written again as a text.
func Share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // #nosec G103 -- see above
