package wire

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// eachMember is Each of an object.
func (r *Reader) eachMember(s Schema, want Fields, do func(protowire.Number) error) error {
	if !r.In.Next('{') {
		return r.Broken("an object was expected")
	}
	for first := true; ; first = false {
		more, f := r.In.Member(first)
		if f != scan.None {
			return r.Broken("a key was expected")
		}
		if !more {
			return nil
		}
		start := r.In.Pos
		key, f := r.In.Key()
		if f != scan.None {
			r.In.Pos = start
			return r.Broken("a key and its value were expected")
		}
		field := s.named(key)
		switch {
		case field == nil || !want.has(field.Number):
			if r.In.Pass() != scan.None {
				return r.Broken("a value was expected")
			}
		case r.In.Null():
		default:
			if err := r.members(field, do); err != nil {
				return err
			}
		}
	}
}

// members reads the value of a field, or several in an array.
func (r *Reader) members(f *Field, do func(protowire.Number) error) error {
	if !f.Repeated {
		return r.member(f, do)
	}
	if !r.In.Next('[') {
		return r.Broken("an array was expected")
	}
	if r.In.Next(']') {
		return nil
	}
	for {
		r.In.Space()
		if err := r.member(f, do); err != nil {
			return err
		}
		if r.In.Next(']') {
			return nil
		}
		if !r.In.Next(',') {
			return r.Broken("',' or ']' was expected")
		}
	}
}

func (r *Reader) member(f *Field, do func(protowire.Number) error) error {
	if f.Kind == Message {
		if r.In.Peek() != '{' {
			return r.Broken("an object was expected")
		}
		return do(f.Number)
	}
	start := r.In.Pos
	if r.In.Peek() == '"' {
		if err := r.string(); err != nil {
			return err
		}
	} else if f.Kind == Text || f.Kind == Bytes || f.Kind == ID {
		return r.Broken("a text was expected")
	}
	if !r.scalar(f.Kind, start) {
		r.In.Pos = start
		return r.Broken("a value is of another type")
	}
	return do(f.Number)
}

// string reads the text at Pos. One with a flaw is read as package encoding/json reads
// it, so that it can be shown.
func (r *Reader) string() error {
	start := r.In.Pos
	var f scan.Flaw
	if r.Text, f = r.In.String(); f == scan.None {
		return nil
	}
	r.In.Pos = start
	if f == scan.Syntax || !r.In.Skip() || json.Unmarshal(r.In.Text[start:r.In.Pos], &r.Text) != nil {
		r.In.Pos = start
		return r.Broken("a text was expected")
	}
	r.Spoil(f, "")
	return nil
}

// scalar makes a value of what stands at start: a text was read into Text already.
func (r *Reader) scalar(k Kind, start int) bool {
	quoted := r.In.Text[start] == '"'
	switch k {
	case Text:
		return true
	case ID:
		r.Text = strings.ToLower(r.Text)
		return true
	case Bytes:
		return r.base64()
	case Bool:
		if quoted {
			return false
		}
		var v events.Value
		f := r.In.Value(&v, 1)
		r.num = uint64(v.Int) // #nosec G115 -- 0 or 1
		return f == scan.None && v.Kind == events.Bool
	}
	if !quoted {
		var v events.Value
		if r.In.Value(&v, 1) != scan.None {
			return false
		}
		r.Text = Share(r.In.Text[start:r.In.Pos])
	}
	if k == Double {
		return r.double()
	}
	return r.integer(k)
}

// base64 reads both alphabets, padded or not, as protobuf wants it, and has Text be the
// standard one with its padding.
func (r *Reader) base64() bool {
	plain := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(r.Text, "="))
	raw, err := base64.RawStdEncoding.DecodeString(plain)
	r.Text = base64.StdEncoding.EncodeToString(raw)
	return err == nil
}

func (r *Reader) double() bool {
	switch r.Text {
	case "NaN", "Infinity", "-Infinity":
	default:
		if strings.Trim(r.Text, "+-0123456789.eE") != "" {
			return false // what only Go calls a number
		}
	}
	v, err := strconv.ParseFloat(r.Text, 64)
	r.num = math.Float64bits(v)
	return err == nil
}

// integer reads a number that may be as large as a uint64 is.
func (r *Reader) integer(k Kind) bool {
	if v, err := strconv.ParseInt(r.Text, 10, 64); err == nil {
		r.num = uint64(v)                            // #nosec G115 -- the same bits
		return k != Fixed32 || v == int64(uint32(v)) // #nosec G115 -- that is what is asked
	}
	if v, err := strconv.ParseUint(r.Text, 10, 64); err == nil {
		r.num = v
		return true
	}
	v, err := strconv.ParseFloat(r.Text, 64) // 1e3 and 5.0 are whole, too
	if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return false
	}
	r.num = uint64(int64(v)) // #nosec G115 -- the same bits
	return true
}
