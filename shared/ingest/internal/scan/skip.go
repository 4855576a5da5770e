package scan

import (
	"bytes"

	"github.com/tarnhq/tarn/shared/fault"
)

// Broken says that the framing of the text breaks at Pos.
func (r *Reader) Broken(what string) *fault.Error {
	line := 1 + bytes.Count(r.Text[:r.Pos], []byte("\n"))
	return fault.New(fault.Invalid, "bad_json", "the body is not JSON: %s at byte %d, in line %d", what, r.Pos, line)
}

// Skip moves past the value at Pos by its quotes and brackets alone, whatever else
// is wrong with it. It fails where the text ends first or the brackets do not match:
// there the framing is broken, and Pos is where that shows.
func (r *Reader) Skip() bool {
	if r.Pos >= len(r.Text) {
		return false
	}
	switch r.Text[r.Pos] {
	case '"':
		return r.skipString()
	case '{', '[':
		return r.skipNested()
	default:
		return r.skipWord()
	}
}

func (r *Reader) skipString() bool {
	for r.Pos++; r.Pos < len(r.Text); r.Pos++ {
		r.Pos = plainEnd(r.Text, r.Pos)
		if r.Pos >= len(r.Text) {
			break
		}
		switch r.Text[r.Pos] {
		case '"':
			r.Pos++
			return true
		case '\\':
			r.Pos++
		}
	}
	r.Pos = len(r.Text)
	return false
}

func (r *Reader) skipWord() bool {
	start := r.Pos
	for r.Pos < len(r.Text) {
		switch r.Text[r.Pos] {
		case ',', ':', ']', '}', '[', '{', '"', ' ', '\n', '\r', '\t':
			return r.Pos > start
		}
		r.Pos++
	}
	return r.Pos > start
}

func (r *Reader) skipNested() bool {
	r.stack = r.stack[:0]
	for r.Pos < len(r.Text) {
		switch c := r.Text[r.Pos]; c {
		case '"':
			if !r.skipString() {
				return false
			}
			continue
		case '{', '[':
			r.stack = append(r.stack, c+2) // the bracket that closes it
		case '}', ']':
			last := len(r.stack) - 1
			if r.stack[last] != c {
				return false
			}
			r.stack = r.stack[:last]
			if last == 0 {
				r.Pos++
				return true
			}
		}
		r.Pos++
	}
	return false
}
