package scan

import (
	"bytes"

	"github.com/tarnhq/tarn/shared/fault"
)

// MaxEvents bounds the events of one request: an event takes some 300 bytes of memory
// and of the answer, however short it is.
const MaxEvents = 250_000

// MaxSize bounds the bytes that the events of one request may have in all. What a body
// says once for many of them (a context, a resource, the labels of a series) counts for
// each, because each is stored with it: a small body may swell to gigabytes.
const MaxSize = 64 << 20

// CheckSize returns an error if size bytes of events are more than one request may have.
func CheckSize(size int) error {
	if size <= MaxSize {
		return nil
	}
	return fault.New(fault.TooLarge, "body_too_large", "the events of the body have more than %d bytes in all, with what it says for many of them", MaxSize).
		WithHint("send the events in smaller batches")
}

// CheckCount returns an error if n events are more than one request may have.
func CheckCount(n int) error {
	if n <= MaxEvents {
		return nil
	}
	return fault.New(fault.TooLarge, "too_many_events", "the body has more than %d events", MaxEvents).
		WithHint("send the events in smaller batches")
}

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

// Elements calls each with the start and the end of every element of the array at Pos,
// told apart as leniently as by Skip, and moves past the array. It stops at more of them
// than one request may have, and at an error of each.
func (r *Reader) Elements(each func(start, end int) error) error {
	if !r.Next('[') {
		return r.Broken("an array was expected")
	}
	if r.Next(']') {
		return nil
	}
	for n := 1; ; n++ {
		if err := CheckCount(n); err != nil {
			return err
		}
		r.Space()
		start := r.Pos
		if !r.Skip() {
			return r.Broken("an element was expected")
		}
		end := r.Pos
		if err := each(start, end); err != nil {
			return err
		}
		r.Pos = end
		if r.Next(']') {
			return nil
		}
		if !r.Next(',') {
			return r.Broken("',' or ']' was expected")
		}
	}
}

// Lookup finds the first member with a key in the object at start, and moves to its
// value. It reads as leniently as Skip.
func (r *Reader) Lookup(start int, key string) bool {
	r.Pos = start
	if !r.Next('{') {
		return false
	}
	for r.Peek() == '"' {
		at := r.Pos
		name, f := r.String()
		if f != None {
			r.Pos = at
			if !r.skipString() {
				return false
			}
		}
		if !r.Next(':') || !r.Space() {
			return false
		}
		if f == None && name == key {
			return true
		}
		if !r.Skip() || !r.Next(',') {
			return false
		}
	}
	return false
}
