package rows

import (
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
)

// appendJSON appends a value as JSON text. Numbers keep the form that text columns
// give them.
func appendJSON(dst []byte, v *events.Value) []byte {
	switch v.Kind {
	case events.Null:
		return append(dst, "null"...)
	case events.Text:
		return appendString(dst, v.Text)
	default:
		return appendText(dst, v)
	}
}

// appendMember appends a member to the object that begins at begin in dst and that
// the caller closes.
func appendMember(dst []byte, begin int, name string, v *events.Value) []byte {
	if len(dst) == begin {
		dst = append(dst, '{')
	} else {
		dst = append(dst, ',')
	}
	dst = append(appendString(dst, name), ':')
	return appendJSON(dst, v)
}

// AppendJSON appends a row as a JSON object. Nulls have no member.
func (b Batch) AppendJSON(dst []byte, row int) []byte {
	begin := len(dst)
	for i := range b.Columns {
		if c := &b.Columns[i]; !c.IsNull(row) {
			v := c.Value(row)
			dst = appendMember(dst, begin, c.Name, &v)
		}
	}
	if len(dst) == begin {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	clean := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && (r != utf8.RuneError || size > 1) {
			i += size
			continue
		}
		dst = append(dst, s[clean:i]...)
		dst = appendEscaped(dst, r)
		i += size
		clean = i
	}
	dst = append(dst, s[clean:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case utf8.RuneError:
		return append(dst, "\ufffd"...)
	default:
		return append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	}
}
