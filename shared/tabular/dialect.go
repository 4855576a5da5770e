package tabular

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

const (
	sniffBytes   = 64 << 10 // of a sample that dialects are tried on
	sniffRecords = 1000
)

// dialect finds how CSV is written: what delimits and quotes its fields is what gives the
// most records of the same number of fields.
func (f *finding) dialect(text []byte, whole bool) {
	if f.Newline == "" {
		f.Newline = "lf"
		if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') >= 0 {
			f.Newline = "cr"
		}
	}
	f.separatorLine(text)
	skip := f.Skip
	if f.Skip == nil {
		f.Skip = new(int)
	}
	text = withoutLines(text, *f.Skip, f.newline())
	if len(text) > sniffBytes {
		text, whole = text[:sniffBytes], false
	}
	best, bestScore := f.Options, -1.0
	for _, o := range f.dialects(text) {
		if t := taste(o, text, whole); t.score() > bestScore {
			best, bestScore = o, t.score()
		}
	}
	f.Options = best
	t := taste(best, text, whole)
	f.preamble(t, skip)
	f.null(t)
	f.decimal(t)
	f.dates(t)
	f.header(t)
}

// preamble passes over the lines before a table: those that have one field where most have
// several.
func (f *finding) preamble(t tasting, skip *int) {
	switch {
	case t.before == 0 || t.width < 2 || 2*len(t.rows) < t.count:
	case skip == nil && t.titles:
		f.Skip = &t.leading
		f.warn(fmt.Sprintf("%d lines before the table were passed over; the option skip decides", t.leading))
	default:
		if f.Header == nil {
			f.Header = new(true) // it is unlike the rows
		}
		f.warn("the first record has another number of fields than most: it says how many columns there are")
	}
}

// null takes \N for null, which databases write and nobody else.
func (f *finding) null(t tasting) {
	for _, row := range t.rows {
		if !f.givenNulls && slices.Contains(row, `\N`) {
			f.Nulls = []string{"", `\N`}
			return
		}
	}
}

func (o Options) newline() byte {
	if o.Newline == "cr" {
		return '\r'
	}
	return '\n'
}

// separatorLine heeds a first line "sep=;", which is how Excel is told the delimiter.
func (f *finding) separatorLine(text []byte) {
	line, _, _ := bytes.Cut(text, []byte{f.newline()})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if f.Skip != nil || len(line) != 5 || !strings.EqualFold(string(line[:4]), "sep=") || !punctuation(string(line[4:])) {
		return
	}
	one := 1
	f.Skip = &one
	if f.Delimiter == "" {
		f.Delimiter = string(line[4:])
	}
}

func withoutLines(text []byte, n int, newline byte) []byte {
	for range n {
		_, text, _ = bytes.Cut(text, []byte{newline})
	}
	return text
}

// dialects are those that may be meant, the likelier ones first.
func (f *finding) dialects(text []byte) []Options {
	delimiters := []string{",", ";", "\t", "|"}
	if f.Format == TSV {
		delimiters = []string{"\t"}
	}
	if f.Delimiter != "" {
		delimiters = []string{f.Delimiter}
	}
	quotes := []string{`"`, "'"}
	if f.Quote != "" {
		quotes = []string{f.Quote}
	}
	var all []Options
	for _, d := range delimiters {
		for _, q := range quotes {
			o := f.Options
			o.Delimiter, o.Quote = d, q
			if q == "'" && f.Quote == "" && !o.quotesFields(text) {
				continue
			}
			for _, escape := range f.escapes(q, text) {
				o.Escape = escape
				all = append(all, o)
			}
		}
	}
	return all
}

// escapes are what may stand before a quote within quotes, the likelier first.
func (f *finding) escapes(quote string, text []byte) []string {
	switch {
	case f.Escape != "":
		return []string{f.Escape}
	case quote == None:
		return []string{`\`} // for the sake of a name: nothing is escaped
	case quote != `\` && bytes.Contains(text, []byte(`\`+quote)):
		return []string{quote, `\`}
	}
	return []string{quote}
}

// quotesFields reports whether a field begins with the quote.
func (o Options) quotesFields(text []byte) bool {
	return bytes.Contains(text, []byte(o.Delimiter+o.Quote)) || bytes.HasPrefix(text, []byte(o.Quote))
}

// tasting is a sample, split as a dialect has it.
type tasting struct {
	rows   [][]string // of the usual width
	count  int        // records, broken ones included
	width  int
	quoted int // fields with quotes of another dialect around them
	typed  int // fields that are no texts

	before  int  // records before the first of the usual width
	leading int  // lines before that
	titles  bool // those records have one field each
}

func taste(o Options, text []byte, whole bool) tasting {
	s := o.splitter()
	padded := append(text[:len(text):len(text)], make([]byte, slack)...)
	s.split(padded[:len(text)], whole, 1, sniffRecords)
	t := tasting{count: len(s.records) + len(s.broken)}
	counts := map[uint32]int{}
	usual := uint32(0)
	for _, r := range s.records {
		if counts[r.fields]++; counts[r.fields] > counts[usual] || counts[r.fields] == counts[usual] && r.fields > usual {
			usual = r.fields
		}
	}
	t.width = min(int(usual), dataset.MaxColumns+1)
	at := 0
	t.titles = true
	for _, r := range s.records {
		if r.fields == usual {
			if len(t.rows) == 0 {
				t.leading = int(r.line - 1)
			}
			t.add(&s, at)
		} else if len(t.rows) == 0 {
			t.before++
			t.titles = t.titles && r.fields == 1
		}
		at += int(r.fields)
	}
	return t
}

func (t *tasting) add(s *splitter, at int) {
	row := make([]string, t.width)
	plain := syntax{point: '.', order: DMY, empty: true}
	comma := syntax{point: ',', order: DMY, empty: true}
	for i := range row {
		b := s.field(at + i)
		row[i] = string(b)
		if c := len(b); c > 1 && b[0] == b[c-1] && (b[0] == '"' || b[0] == '\'') {
			t.quoted++
		}
		if p, c := plain.infer(b), comma.infer(b); p.kind != dataset.Text || c.kind != dataset.Text {
			t.typed++
		}
	}
	t.rows = append(t.rows, row)
}

// score is higher for what more records agree on, then for fewer stray quotes and for
// more fields that are numbers or times.
func (t tasting) score() float64 {
	if t.count == 0 {
		return 0
	}
	fields := float64(max(1, len(t.rows)*t.width))
	agreed := float64(len(t.rows)) / float64(t.count)
	if t.width < 2 {
		return 0.01 * agreed // nothing is delimited: what is in no field tells it best
	}
	return agreed - 0.2*float64(t.quoted)/fields + 0.1*float64(t.typed)/fields + 0.0001*float64(t.width)
}
