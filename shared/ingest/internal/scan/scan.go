// Package scan reads the JSON of events in one pass, without maps and, once it has
// warmed up, without allocation. It tells two failures apart: a flaw, which spoils
// the event that has it, and broken framing (Skip), after which nobody can say where
// the next event begins.
package scan

import (
	"unicode/utf8"
	"unsafe"

	"github.com/tarnhq/tarn/events"
)

// MaxDepth is how deep objects and arrays may nest, the event's own included.
const MaxDepth = 64

// Flaw is why something cannot be taken as it is. The zero Flaw is none.
type Flaw uint8

// The flaws.
const (
	None Flaw = iota
	Syntax
	Control
	BadEscape
	InvalidUTF8
	NUL
	LoneSurrogate
	TooDeep
	NumberRange
	Duplicate
	TooMany
	NameTooLong
	BadTime
	TimeRange
	WrongType
	TooLong
	NotAnObject
)

var refusals = [...]events.Refusal{
	Syntax:        {Code: "bad_json", Reason: "not JSON"},
	Control:       {Code: "control_character", Reason: "a control character in a string must be escaped"},
	BadEscape:     {Code: "bad_escape", Reason: "an escape in a string that JSON does not know"},
	InvalidUTF8:   {Code: "invalid_utf8", Reason: "text must be UTF-8"},
	NUL:           {Code: "nul_in_text", Reason: "text must not hold the character NUL"},
	LoneSurrogate: {Code: "lone_surrogate", Reason: "half of a surrogate pair is no character"},
	TooDeep:       {Code: "too_deep", Reason: "objects and arrays may nest 64 deep"},
	NumberRange:   {Code: "number_out_of_range", Reason: "the number does not fit a 64-bit float: send it as text"},
	Duplicate:     {Code: "duplicate_key", Reason: "the key is there twice"},
	TooMany:       {Code: "too_many_properties", Reason: "an event may have 1000 properties"},
	NameTooLong:   {Code: "name_too_long", Reason: "a property's name may have 256 bytes"},
	BadTime:       {Code: "bad_time", Reason: "not an RFC 3339 time such as 2026-01-02T03:04:05Z"},
	TimeRange:     {Code: "time_out_of_range", Reason: "times are kept from 1900 through 2199"},
	WrongType:     {Code: "wrong_type", Reason: "it must be text"},
	TooLong:       {Code: "too_long", Reason: "it is longer than is allowed"},
	NotAnObject:   {Code: "not_an_object", Reason: "a JSON object was expected"},
}

// Refusal tells the sender of a flaw; that of None is none. Where names the field, from the
// outside in; what is empty is left out.
func (f Flaw) Refusal(where ...string) events.Refusal {
	if f == None {
		return events.Refusal{}
	}
	return f.refusal(where)
}

func (f Flaw) refusal(where []string) events.Refusal {
	r := refusals[f]
	for i := len(where) - 1; i >= 0; i-- {
		if where[i] != "" {
			r.Reason = where[i] + ": " + r.Reason
		}
	}
	return r
}

// Reader reads values at Pos of Text. After a flaw Pos means nothing: go back to
// the start of the event and Skip it. Text and what is read share memory until the
// next Reset. The zero Reader is ready for Reset.
type Reader struct {
	Text []byte
	Pos  int

	made   []byte         // unescaped and compacted text, and ids
	values []events.Value // of all events since Reset
	first  int            // of them, the first of the event at hand
	at     *node          // the names of the event at hand
	tree   tree
	spaced bool   // whitespace was seen since it was last cleared
	stack  []byte // of Skip
}

// Reset starts on another text. Everything that was read before becomes invalid.
func (r *Reader) Reset(text []byte) {
	r.Text, r.Pos = text, 0
	if cap(r.values) > maxKept || cap(r.made) > 16*maxKept {
		r.made, r.values = nil, nil
	}
	r.made, r.values = r.made[:0], r.values[:0]
}

// maxKept bounds the values that a Reader keeps memory for, so that one large
// request does not cost memory for ever.
const maxKept = 1 << 16

// Space moves past whitespace and reports whether anything follows.
func (r *Reader) Space() bool {
	for r.Pos < len(r.Text) {
		if c := r.Text[r.Pos]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return true
		}
		r.Pos++
		r.spaced = true
	}
	return false
}

// Peek returns the next byte after whitespace, or 0 at the end.
func (r *Reader) Peek() byte {
	if r.Pos < len(r.Text) && r.Text[r.Pos] > ' ' {
		return r.Text[r.Pos]
	}
	if !r.Space() {
		return 0
	}
	return r.Text[r.Pos]
}

// Next moves past c, which must come next after whitespace.
func (r *Reader) Next(c byte) bool {
	if r.Peek() != c {
		return false
	}
	r.Pos++
	return true
}

// Null moves past null if it is the value at Pos.
func (r *Reader) Null() bool { return r.literal("null") }

// OptionalText reads a string of at most limit bytes; null is the empty one.
func (r *Reader) OptionalText(limit int) (string, Flaw) {
	if r.Text[r.Pos] != '"' {
		if r.Null() {
			return "", None
		}
		if r.check(1) == Syntax {
			return "", Syntax
		}
		return "", WrongType
	}
	s, f := r.String()
	if f == None && len(s) > limit {
		f = TooLong
	}
	return s, f
}

// ShortText is OptionalText where it can be read, and else nothing.
func (r *Reader) ShortText(limit int) string {
	s, f := r.OptionalText(limit)
	if f != None {
		return ""
	}
	return s
}

// Value reads the value at Pos into v, which must be zero. Depth is that of the
// object or array it stands in.
func (r *Reader) Value(v *events.Value, depth int) (f Flaw) {
	if r.Pos >= len(r.Text) {
		return Syntax
	}
	switch c := r.Text[r.Pos]; c {
	case '"':
		v.Kind = events.Text
		v.Text, f = r.String()
		return f
	case '{', '[':
		v.Kind = events.JSON
		v.Text, f = r.nested(depth)
		return f
	case 't':
		v.Kind, v.Int = events.Bool, 1
		return syntaxUnless(r.literal("true"))
	case 'f':
		v.Kind = events.Bool
		return syntaxUnless(r.literal("false"))
	case 'n':
		return syntaxUnless(r.literal("null"))
	default:
		return r.number(v)
	}
}

func syntaxUnless(ok bool) Flaw {
	if ok {
		return None
	}
	return Syntax
}

func (r *Reader) literal(word string) bool {
	end := r.Pos + len(word)
	if end > len(r.Text) || string(r.Text[r.Pos:end]) != word {
		return false
	}
	r.Pos = end
	return true
}

// nested checks an object or array and returns it without whitespace.
func (r *Reader) nested(depth int) (string, Flaw) {
	start, before := r.Pos, r.spaced
	r.spaced = false
	f := r.check(depth)
	spaced := r.spaced
	r.spaced = before
	if f != None {
		return "", f
	}
	raw := r.Text[start:r.Pos]
	if !spaced {
		return share(raw), None
	}
	from := len(r.made)
	r.made = appendCompact(r.made, raw)
	return share(r.made[from:]), None
}

// check moves past a value and finds its flaws.
func (r *Reader) check(depth int) Flaw {
	switch r.Peek() {
	case 0:
		return Syntax
	case '{':
		if depth >= MaxDepth {
			return TooDeep
		}
		return r.checkObject(depth + 1)
	case '[':
		if depth >= MaxDepth {
			return TooDeep
		}
		return r.checkArray(depth + 1)
	case '"':
		return r.checkString()
	case 't':
		return syntaxUnless(r.literal("true"))
	case 'f':
		return syntaxUnless(r.literal("false"))
	case 'n':
		return syntaxUnless(r.literal("null"))
	default:
		n := scanNumber(r.Text, r.Pos)
		r.Pos = n.end
		return syntaxUnless(n.ok)
	}
}

// Pass moves past a value: by Skip if that suffices to see where it ends, or else
// strictly.
func (r *Reader) Pass() Flaw {
	switch r.Peek() {
	case '"', '{', '[':
		return syntaxUnless(r.Skip())
	}
	return r.check(1)
}

func (r *Reader) checkString() Flaw {
	mark := len(r.made)
	_, f := r.String()
	r.made = r.made[:mark]
	return f
}

// appendCompact appends valid JSON without the whitespace between its tokens.
func appendCompact(dst, raw []byte) []byte {
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString && c == '\\':
			dst = append(dst, c)
			i++
			c = raw[i]
		case c == '"':
			inString = !inString
		case !inString && c <= ' ':
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // #nosec G103 -- the bytes are never written again

// Clip returns at most limit bytes of s that end with a whole character.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
