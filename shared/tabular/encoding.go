package tabular

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var mark = []byte("\xef\xbb\xbf") // of the byte order, in UTF-8

// decode returns a text in UTF-8, without its mark. What UTF-16 cannot hold becomes
// U+FFFD; UTF-8 is passed as it is.
func decode(r io.Reader, e Encoding) io.Reader {
	if c := codec(e); c != nil {
		r = c.NewDecoder().Reader(r)
	}
	return &unmarked{r: bufio.NewReaderSize(r, 64<<10)}
}

func codec(e Encoding) encoding.Encoding {
	switch e {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case Windows1252:
		return charmap.Windows1252
	}
	return nil
}

// unmarked is a text without its mark.
type unmarked struct {
	r     *bufio.Reader
	begun bool
}

func (u *unmarked) Read(p []byte) (int, error) {
	if !u.begun {
		if head, _ := u.r.Peek(len(mark)); bytes.Equal(head, mark) {
			_, _ = u.r.Discard(len(mark)) // what was peeked is there
		}
		u.begun = true
	}
	return u.r.Read(p)
}

// detectEncoding tells the encoding of a text by its beginning: by its mark, by the zeros
// that UTF-16 has in every other place, or by being UTF-8. What is none of these is held
// to be Windows-1252, and guessed says so.
func detectEncoding(sample []byte, whole bool) (e Encoding, guessed bool) {
	switch {
	case bytes.HasPrefix(sample, mark):
		return UTF8, false
	case bytes.HasPrefix(sample, []byte{0xff, 0xfe}):
		return UTF16LE, false
	case bytes.HasPrefix(sample, []byte{0xfe, 0xff}):
		return UTF16BE, false
	}
	if e, ok := unmarkedUTF16(sample); ok {
		return e, true
	}
	if !whole {
		sample = wholeRunes(sample)
	}
	if utf8.Valid(sample) {
		return UTF8, false
	}
	return Windows1252, true
}

// unmarkedUTF16 finds UTF-16 without a mark, if at least four in ten characters of the
// text are Latin.
func unmarkedUTF16(sample []byte) (Encoding, bool) {
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	pairs := len(sample) / 2
	switch {
	case pairs < 2:
		return "", false
	case zeros[1]*10 > pairs*4 && zeros[0]*20 < pairs:
		return UTF16LE, true
	case zeros[0]*10 > pairs*4 && zeros[1]*20 < pairs:
		return UTF16BE, true
	}
	return "", false
}

// wholeRunes cuts off the beginning of a character that a text ends with.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}
