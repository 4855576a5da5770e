package tabular

import "bytes"

// The ends that a JSON value can come to.
const (
	unended = -1 // the text ends before the value
	broken  = -2 // brackets do not match: nobody can say where the value ends
)

// frame returns the length of the JSON value that b begins with. Only quotes and brackets
// are looked at: what is wrong inside of a value costs that value alone. Without ended, a
// number at the end of b may go on.
func frame(b []byte, ended bool) int {
	switch b[0] {
	case '"':
		return frameString(b)
	case '{', '[':
		return frameNested(b)
	}
	if n := bytes.IndexAny(b, ",]}\n\r\t [{\":"); n > 0 {
		return n
	} else if n == 0 {
		return broken
	}
	if ended {
		return len(b)
	}
	return unended
}

func frameString(b []byte) int {
	for i := 1; i < len(b); {
		end := bytes.IndexByte(b[i:], '"')
		if end < 0 {
			return unended
		}
		at := i + end
		slashes := 0
		for at-1-slashes > 0 && b[at-1-slashes] == '\\' {
			slashes++
		}
		i = at + 1
		if slashes%2 == 0 {
			return i
		}
	}
	return unended
}

// frameNested keeps the brackets that are open, as far as JSON may nest; deeper ones are
// only counted.
func frameNested(b []byte) int {
	var open [maxDepth]byte
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '"':
			n := frameString(b[i:])
			if n < 0 {
				return n
			}
			i += n - 1
		case '{', '[':
			if depth < maxDepth {
				open[depth] = c + 2 // what closes it
			}
			depth++
		case '}', ']':
			depth--
			if depth < maxDepth && open[depth] != c {
				return broken
			}
			if depth == 0 {
				return i + 1
			}
		}
	}
	return unended
}

// spaces counts the blanks that b begins with.
func spaces(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return i
		}
	}
	return len(b)
}
