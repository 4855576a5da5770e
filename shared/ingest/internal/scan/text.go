package scan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads the string at Pos. It shares memory with Text if it has no escapes.
func (r *Reader) String() (string, Flaw) {
	start := r.Pos + 1
	i := plainEnd(r.Text, start)
	if i < len(r.Text) && r.Text[i] == '"' {
		r.Pos = i + 1
		return share(r.Text[start:i]), None
	}
	return r.otherString(start, i)
}

// plainEnd returns the place of the first byte from i on that is not printable
// ASCII, or is a quote or a backslash. It looks at eight bytes at a time.
func plainEnd(text []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		// A byte of x-ones has its high bit set where x has a 0 byte, and possibly in
		// bytes above that; only the lowest bit is used.
		found := ((quote - ones) | (slash - ones) | (w - ones*' ') | w) & highs
		if found != 0 {
			at := i + bits.TrailingZeros64(found)/8
			return at
		}
	}
	for i < len(text) && text[i] >= ' ' && text[i] < 0x80 && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// otherString reads a string that has other than plain bytes, the first of them at i.
func (r *Reader) otherString(start, i int) (string, Flaw) {
	for i < len(r.Text) {
		switch c := r.Text[i]; {
		case c == '"':
			s := r.Text[start:i]
			if !utf8.Valid(s) {
				return "", InvalidUTF8
			}
			r.Pos = i + 1
			return share(s), None
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			return "", control(c)
		default:
			i = plainEnd(r.Text, i+1)
		}
	}
	return "", Syntax
}

func control(c byte) Flaw {
	if c == 0 {
		return NUL
	}
	return Control
}

// escaped unescapes a string whose first escape is at i.
func (r *Reader) escaped(start, i int) (string, Flaw) {
	from := len(r.made)
	r.made = append(r.made, r.Text[start:i]...)
	for i < len(r.Text) {
		switch c := r.Text[i]; {
		case c == '"':
			s := r.made[from:]
			if !utf8.Valid(s) {
				return "", InvalidUTF8
			}
			r.Pos = i + 1
			return share(s), None
		case c == '\\':
			n, f := r.escape(r.Text[i:])
			if f != None {
				return "", f
			}
			i += n
		case c < ' ':
			return "", control(c)
		default:
			end := plainEnd(r.Text, i+1)
			r.made = append(r.made, r.Text[i:end]...)
			i = end
		}
	}
	return "", Syntax
}

// escape appends the character of the escape that text begins with, and returns the
// length of the escape.
func (r *Reader) escape(text []byte) (int, Flaw) {
	if len(text) < 2 {
		return 0, Syntax
	}
	if text[1] == 'u' {
		return r.escapedRune(text)
	}
	c := escapes[text[1]]
	if c == 0 {
		return 0, BadEscape
	}
	r.made = append(r.made, c)
	return 2, None
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *Reader) escapedRune(text []byte) (int, Flaw) {
	c, ok := hex4(text)
	switch {
	case !ok:
		return 0, BadEscape
	case c == 0:
		return 0, NUL
	case !utf16.IsSurrogate(c):
		r.made = utf8.AppendRune(r.made, c)
		return 6, None
	}
	low, ok := hex4(text[6:])
	if c = utf16.DecodeRune(c, low); !ok || c == utf8.RuneError {
		return 0, LoneSurrogate
	}
	r.made = utf8.AppendRune(r.made, c)
	return 12, None
}

// hex4 reads the number of an escape like \u00fc.
func hex4(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var v rune
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}
