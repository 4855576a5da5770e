package tabular

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"unicode/utf8"
)

// blockRecords bounds the records that are split before they are typed: their text and
// places are still in the processor's cache then.
const blockRecords = 4096

// csvFile decodes CSV and TSV.
type csvFile struct {
	text     *text
	splitter splitter
	table    *table
	columns  []*column // of the table, in the order of the file
	header   bool
	preamble int    // lines before the header
	checked  bool   // what cannot be decoded was marked with U+FFFD, not left as it is
	bad      []bool // records of the block
}

func newCSV(t *text, o Options, tab *table) *csvFile {
	return &csvFile{
		text: t, table: tab, splitter: o.splitter(), header: *o.Header, preamble: *o.Skip,
		checked: o.Encoding == UTF16LE || o.Encoding == UTF16BE,
	}
}

// splitter returns the splitter of a dialect.
func (o Options) splitter() splitter {
	s := splitter{delimiter: o.delimiter(), newline: '\n'}
	if o.Newline == "cr" {
		s.newline = '\r'
	}
	if o.Quote != None && o.Quote != "" {
		s.quote, s.escape = o.Quote[0], o.Quote[0]
		if o.Escape != "" {
			s.escape = o.Escape[0]
		}
	}
	return s
}

func (c *csvFile) close() error { return c.text.close() }

// more adds a block of records.
func (c *csvFile) more(ctx context.Context) error {
	if c.columns == nil {
		if err := c.head(ctx); err != nil {
			return err
		}
	}
	for {
		limit := min(blockRecords, max(1, c.table.limits.rows-c.table.rows))
		if done := c.split(limit); done > 0 {
			c.block(c.text.rest()[:done])
			c.passed(done)
			return nil
		}
		if err := c.fill(ctx); err != nil {
			return err
		}
	}
}

func (c *csvFile) split(limit int) (done int) {
	return c.splitter.split(c.text.rest(), c.text.ended, c.text.line, limit)
}

// passed consumes what was split.
func (c *csvFile) passed(done int) {
	c.text.consume(done)
	c.text.line = c.splitter.line
}

// fill brings more text, because what there is holds no whole record. It fails with io.EOF
// after the last.
func (c *csvFile) fill(ctx context.Context) error {
	if len(c.splitter.spans) > maxFields {
		return c.tooLong(ctx)
	}
	more, err := c.text.fill(ctx)
	switch {
	case err != nil:
		return err
	case more || c.text.ended && len(c.text.rest()) > 0:
		return nil
	case c.text.ended:
		return io.EOF
	}
	return c.tooLong(ctx)
}

// maxFields bounds the fields of a record whose end is not in sight.
const maxFields = 1 << 20

// tooLong rejects the record at hand, of which the beginning is kept, and passes over it to
// the end of its line.
func (c *csvFile) tooLong(ctx context.Context) error {
	bad := tooLong
	rest := c.text.rest()
	c.table.reject(Bad{Line: c.text.line, Code: bad.code, Reason: bad.reason, Raw: mended(rest[:min(len(rest), 1<<10)])})
	return c.text.skipLine(ctx, c.splitter.newline)
}

// block types the records that were split of a text.
func (c *csvFile) block(text []byte) {
	rejected := len(c.table.bad)
	for _, b := range c.splitter.broken {
		c.reject(b.record, Bad{Code: b.code, Reason: b.reason})
	}
	c.bad = append(c.bad[:0], make([]bool, len(c.splitter.records))...)
	if !c.decoded(text) && c.markUndecoded() {
		c.remove()
	}
	misfits := false
	for at, col := range c.columns {
		if col.fixed {
			misfits = c.column(col, at) || misfits
		}
	}
	if misfits {
		for _, col := range c.columns {
			if col.fixed {
				col.drop(c.table.rows, c.bad)
			}
		}
		c.remove()
	}
	for at, col := range c.columns {
		if !col.fixed {
			c.column(col, at)
		}
	}
	for _, r := range c.splitter.records {
		c.table.lines = append(c.table.lines, r.line)
	}
	c.table.rows += len(c.splitter.records)
	slices.SortStableFunc(c.table.bad[rejected:], func(a, b Bad) int { return cmp.Compare(a.Line, b.Line) })
}

func (c *csvFile) reject(r record, b Bad) {
	b.Line = r.line
	b.Raw = mended(bytes.TrimSuffix(c.splitter.text[r.begin:r.end], []byte{'\r'}))
	c.table.reject(b)
}

// decoded reports whether a text came through its encoding.
func (c *csvFile) decoded(text []byte) bool {
	return utf8.Valid(text) && !(c.checked && bytes.Contains(text, replacement))
}

var replacement = []byte("\ufffd")

// mended returns a text with U+FFFD for what is no UTF-8.
func mended(b []byte) []byte { return bytes.ToValidUTF8(b, replacement) }

func (c *csvFile) markUndecoded() (any bool) {
	for i, r := range c.splitter.records {
		if !c.decoded(c.splitter.text[r.begin:r.end]) {
			c.bad[i], any = true, true
			c.reject(r, Bad{Code: "bad_encoding", Reason: "the record is no text in the file's encoding; the option encoding sets another"})
		}
	}
	return any
}

// remove removes the records that are bad.
func (c *csvFile) remove() {
	s := &c.splitter
	to := 0
	for i, r := range s.records {
		if c.bad[i] {
			continue
		}
		s.records[to] = r
		copy(s.spans[to*s.width:], s.spans[i*s.width:(i+1)*s.width])
		to++
	}
	s.records = s.records[:to]
	c.bad = append(c.bad[:0], make([]bool, to)...)
}
