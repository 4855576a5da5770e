package tabular

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// span is where a field's text lies: in the splitter's text, or in its arena of texts
// that had to be unquoted.
type span struct{ begin, end uint32 }

const inArena = 1 << 31 // in begin

// splitter splits the text of CSV into records of width fields. Quotes begin at the
// beginning of a field only, if need be after spaces. A record that is broken by its quotes costs its first line:
// reading goes on at the next, so that a stray quote does not swallow the file.
type splitter struct {
	delimiter, newline byte
	quote, escape      byte // 0: none
	width              int  // fields of a record; 0: any

	text    []byte
	final   bool // nothing comes after text
	line    int64
	arena   []byte
	spans   []span
	records []record
	broken  []brokenRecord

	first    int // of spans: the record's that is being read
	begin    int // of the record
	lines    int // within quotes of the record
	consumed int // text up to which records are complete
}

// record is where a record lies.
type record struct {
	begin, end uint32
	fields     uint32
	line       int64
}

type brokenRecord struct {
	record
	code, reason string
}

var (
	unclosed = brokenRecord{code: "unclosed_quote", reason: "a quote is opened and not closed"}
	stray    = brokenRecord{code: "stray_quote", reason: "text follows a closing quote: quotes within quotes are to be doubled"}
	tooFew   = brokenRecord{code: "too_few_fields", reason: "the record has fewer fields than the file has columns"}
	tooMany  = brokenRecord{code: "too_many_fields", reason: "the record has more fields than the file has columns"}
	tooLong  = brokenRecord{code: "record_too_long", reason: "the record has more than 16 MiB"}
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	lows  = 0x7f7f7f7f7f7f7f7f
)

// equal marks the bytes of w that are those of the pattern, each by its highest bit.
func equal(w, pattern uint64) uint64 {
	x := w ^ pattern
	return ^((x&lows + lows) | x | lows)
}

// split splits text, whose capacity is slack bytes larger, into at most maxRecords
// records, numbering lines from line. It returns the bytes that are done with: without
// final, a last record that may go on is not.
func (s *splitter) split(text []byte, final bool, line int64, maxRecords int) int {
	s.text, s.final, s.line = text, final, line
	s.arena, s.spans, s.records, s.broken = s.arena[:0], s.spans[:0], s.records[:0], s.broken[:0]
	s.first, s.begin, s.lines, s.consumed = 0, 0, 0, 0
	s.scan(maxRecords)
	return s.consumed
}

func (s *splitter) scan(maxRecords int) {
	n := len(s.text)
	words := s.text[:n+slack]
	delimiters, newlines, quotes := ones*uint64(s.delimiter), ones*uint64(s.newline), ones*uint64(s.quote)
	if s.quote == 0 {
		quotes = newlines
	}
	field, pos := 0, 0
scan:
	for pos < n {
		w := binary.LittleEndian.Uint64(words[pos:])
		marks := equal(w, delimiters) | equal(w, newlines) | equal(w, quotes)
		if left := n - pos; left < 8 {
			marks &= 1<<(8*left) - 1
		}
		for ; marks != 0; marks &= marks - 1 {
			at := pos + bits.TrailingZeros64(marks)>>3
			switch s.text[at] {
			case s.delimiter:
				s.spans = append(s.spans, span{uint32(field), uint32(at)}) // #nosec G115 -- text is shorter than a record's limit twice
				field = at + 1
			case s.newline:
				s.spans = append(s.spans, s.lineEnd(field, at))
				s.end(at)
				field = at + 1
				if len(s.records) >= maxRecords {
					return
				}
			default:
				if !blank(s.text[field:at]) {
					continue // a quote within a field is a character
				}
				next, ok := s.quoted(at)
				if !ok {
					return
				}
				field, pos = next, next
				if len(s.records) >= maxRecords {
					return
				}
				continue scan
			}
		}
		pos += 8
	}
	if s.final && s.begin < n {
		if field <= n {
			s.spans = append(s.spans, s.lineEnd(field, n))
		}
		s.end(n)
	}
}

func blank(b []byte) bool { return len(bytes.TrimLeft(b, " ")) == 0 }

// lineEnd is the last field of a line.
func (s *splitter) lineEnd(begin, end int) span {
	if s.newline == '\n' && end > begin && s.text[end-1] == '\r' {
		end--
	}
	return span{uint32(begin), uint32(end)} // #nosec G115 -- as above
}

// end ends the record at a newline, or at the end of the text.
func (s *splitter) end(at int) {
	fields := len(s.spans) - s.first
	r := record{uint32(s.begin), uint32(at), uint32(fields), s.line} // #nosec G115 -- as above
	switch {
	case at-s.begin > maxRecord:
		r.end = r.begin + 1<<10
		s.reject(r, tooLong)
	case fields == 1 && s.spans[s.first].begin == s.spans[s.first].end && s.spans[s.first].begin&inArena == 0:
		s.spans = s.spans[:s.first] // a blank line
	case s.width == 0 || fields == s.width:
		s.records = append(s.records, r)
	case fields > s.width && s.padding(s.first+s.width):
		s.spans = s.spans[:s.first+s.width]
		s.records = append(s.records, r)
	case fields > s.width:
		s.reject(r, tooMany)
	default:
		s.reject(r, tooFew)
	}
	s.next(at + 1)
}

// padding reports whether the fields of the record from one on are empty: programs that
// pad their lines with delimiters lose nothing.
func (s *splitter) padding(from int) bool {
	for _, f := range s.spans[from:] {
		if f.begin&^inArena != f.end&^inArena {
			return false
		}
	}
	return true
}

func (s *splitter) reject(r record, as brokenRecord) {
	s.spans = s.spans[:s.first]
	as.record = r
	s.broken = append(s.broken, as)
}

// next begins the record at a place.
func (s *splitter) next(at int) {
	s.line += int64(s.lines) + 1
	s.first, s.begin, s.lines = len(s.spans), at, 0
	s.consumed = min(at, len(s.text))
}

// quoted reads a field whose quote opens at a place, and what ends it. It returns the
// place after that, or, where it reports false, nothing: more text is needed.
func (s *splitter) quoted(at int) (next int, ok bool) {
	body := at + 1
	kept := body // from here on, text that is not in the arena yet
	arena := len(s.arena)
	plain := true
	for i := body; ; {
		i = s.closing(i)
		switch {
		case i < 0:
			return s.open(body)
		case s.text[i] == s.escape && i+1 < len(s.text) && s.escapes(s.text[i+1]):
			s.arena = append(s.arena, s.text[kept:i]...)
			plain, kept, i = false, i+1, i+2
			continue
		case s.text[i] == s.escape && s.escape != s.quote && i+1 < len(s.text):
			i++ // a backslash before anything else is itself
			continue
		case i+1 >= len(s.text) && !s.final:
			return 0, false
		}
		f := span{uint32(body), uint32(i)} // #nosec G115 -- as above
		if !plain {
			s.arena = append(s.arena, s.text[kept:i]...)
			f = span{uint32(arena) | inArena, uint32(len(s.arena))} // #nosec G115 -- as above
		} else if i == body {
			f = span{uint32(len(s.arena)) | inArena, uint32(len(s.arena))} // #nosec G115 -- empty, and yet no blank line
		}
		s.lines += bytes.Count(s.text[body:i], []byte{s.newline})
		return s.after(f, i+1)
	}
}

// closing finds the next quote or escape from i on, or -1.
func (s *splitter) closing(i int) int {
	if i > len(s.text) {
		return -1
	}
	at := bytes.IndexByte(s.text[i:], s.quote)
	if s.escape != s.quote {
		if e := bytes.IndexByte(s.text[i:][:max(at, 0)], s.escape); at >= 0 && e >= 0 {
			at = e
		} else if at < 0 {
			return -1
		}
	}
	if at < 0 {
		return -1
	}
	return i + at
}

// escapes reports whether the escape before c makes it a part of the text.
func (s *splitter) escapes(c byte) bool {
	return c == s.quote || s.escape != s.quote && c == s.escape
}

// open is met by the end of the text within quotes.
func (s *splitter) open(body int) (next int, ok bool) {
	if !s.final && len(s.text)-s.begin <= maxRecord {
		return 0, false
	}
	return s.restart(unclosed)
}

// after ends a quoted field, whose closing quote is before i.
func (s *splitter) after(f span, i int) (next int, ok bool) {
	for i < len(s.text) && s.text[i] == ' ' {
		i++
	}
	switch {
	case i >= len(s.text) && !s.final:
		return 0, false
	case i >= len(s.text):
		s.spans = append(s.spans, f)
		s.end(len(s.text))
		return len(s.text), true
	case s.text[i] == s.delimiter:
		s.spans = append(s.spans, f)
		return i + 1, true
	case s.text[i] == s.newline:
		s.spans = append(s.spans, f)
		s.end(i)
		return i + 1, true
	case s.text[i] == '\r' && s.newline == '\n':
		if i+1 >= len(s.text) && !s.final {
			return 0, false
		}
		if i+1 >= len(s.text) || s.text[i+1] == '\n' {
			return s.after(f, i+1)
		}
	}
	return s.restart(stray)
}

// restart rejects the line that the record begins at, and goes on at the next.
func (s *splitter) restart(as brokenRecord) (next int, ok bool) {
	end := len(s.text)
	if n := bytes.IndexByte(s.text[s.begin:], s.newline); n >= 0 {
		end = s.begin + n
	} else if !s.final {
		return 0, false // of a line that is too long, the caller passes over the rest
	}
	s.reject(record{begin: uint32(s.begin), end: uint32(end), line: s.line}, as) // #nosec G115 -- as above
	s.lines = 0
	s.next(end + 1)
	return min(end+1, len(s.text)), true
}
