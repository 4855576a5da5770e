package tabular

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

const sampleSize = 512 << 10 // bytes of an unpacked file that are looked at

// Detect fills what is not given by looking at the beginning of a file, or says that it is
// fault.Invalid. A file's name decides only where its content does not.
func Detect(ctx context.Context, src Source, name string, o Options) (Options, error) {
	found, _, err := detect(ctx, src, name, o)
	return found, err
}

// finding is what detect has found so far.
type finding struct {
	Options
	name       string
	warnings   []string
	givenNulls bool
}

func (f *finding) warn(text string) { f.warnings = append(f.warnings, text) }

func detect(ctx context.Context, src Source, name string, o Options) (Options, []string, error) {
	if err := o.Check(); err != nil {
		return o, nil, err
	}
	if o.complete() {
		return o, nil, nil
	}
	f := &finding{Options: o, name: strings.ToLower(name), givenNulls: o.Nulls != nil}
	if err := f.container(ctx, src); err != nil {
		return o, nil, err
	}
	var err error
	switch f.Format {
	case Parquet:
	case XLSX:
		err = f.sheet(ctx, src)
	default:
		err = f.text(ctx, src)
	}
	return f.Options, f.warnings, err
}

// complete reports whether nothing is left to find.
func (o Options) complete() bool {
	if o.Format == "" || o.Compression == "" || o.Nulls == nil {
		return false
	}
	switch o.Format {
	case Parquet:
		return true
	case XLSX:
		return o.Header != nil && o.Sheet != "" && o.Skip != nil && o.Dates != ""
	case JSON, NDJSON:
		return o.Encoding != "" && o.Dates != ""
	}
	return o.Encoding != "" && o.Delimiter != "" && o.Quote != "" && o.Escape != "" && o.Newline != "" && o.Skip != nil && o.Header != nil && o.Decimal != "" && o.Dates != ""
}

// container tells what a file is packed with, and its format if that is no text.
func (f *finding) container(ctx context.Context, src Source) error {
	head, err := readRange(ctx, src, 0, min(16, src.Size()))
	if err != nil {
		return err
	}
	if err := refuse(head); err != nil {
		return err
	}
	if f.Compression == "" {
		f.Compression = packing(head)
		if f.Format == XLSX || f.Format == "" && f.Compression == Zip && isWorkbook(ctx, src) {
			f.Format, f.Compression = XLSX, Plain
		}
	}
	if f.Format == "" && f.Compression == Plain && bytes.HasPrefix(head, []byte("PAR1")) {
		f.Format = Parquet
	}
	if f.Nulls == nil {
		f.Nulls = []string{}
		if f.Format != Parquet {
			f.Nulls = nil
		}
	}
	return nil
}

func packing(head []byte) Compression {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return Zip
	}
	return Plain
}

// refuse answers files that others take for tables with what to do about them.
func refuse(head []byte) error {
	for _, m := range []struct{ magic, code, message, hint string }{
		{"\xd0\xcf\x11\xe0", "old_or_encrypted_workbook", "the file is an old or an encrypted Excel workbook", "save it as .xlsx, without a password"},
		{"BZh", "unknown_compression", "bzip2 is not read", "use gzip or zstd"},
		{"\xfd7zXZ", "unknown_compression", "xz is not read", "use gzip or zstd"},
		{"7z\xbc\xaf\x27\x1c", "unknown_compression", "7-Zip archives are not read", "use zip, gzip or zstd"},
		{"Rar!", "unknown_compression", "RAR archives are not read", "use zip, gzip or zstd"},
		{"ORC", "unknown_format", "ORC is not read", "use Parquet"},
		{"Obj\x01", "unknown_format", "Avro is not read", "use Parquet or NDJSON"},
		{"%PDF", "unknown_format", "a PDF holds no table that can be read", "use CSV"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return fault.New(fault.Invalid, m.code, "%s", m.message).WithHint("%s", m.hint)
		}
	}
	return nil
}

// text looks at a file of text.
func (f *finding) text(ctx context.Context, src Source) error {
	sample, whole, err := f.sample(ctx, src)
	if err != nil {
		return err
	}
	if packing(sample) != Plain || bytes.HasPrefix(sample, []byte("PAR1")) {
		return fault.New(fault.Invalid, "nested_file", "the file holds another packed one").WithHint("pack a file once; Parquet and XLSX are packed already")
	}
	if f.Encoding == "" {
		guessed := false
		if f.Encoding, guessed = detectEncoding(sample, whole); guessed {
			f.warn("the encoding was taken to be " + string(f.Encoding) + ": nothing in the file says so")
		}
	}
	decoded, err := io.ReadAll(decode(bytes.NewReader(sample), f.Encoding))
	if err != nil {
		return unreadable(err)
	}
	if !whole {
		decoded = wholeRunes(decoded)
	}
	if f.Format == "" {
		if f.Format, err = f.textFormat(decoded); err != nil {
			return err
		}
	}
	if f.Format == JSON || f.Format == NDJSON {
		f.Nulls = orElse(f.Nulls, []string{})
		f.Dates = orISO(f.Dates)
		return nil
	}
	f.Nulls = orElse(f.Nulls, []string{""})
	f.dialect(decoded, whole)
	return nil
}

func orElse(a, b []string) []string {
	if a != nil {
		return a
	}
	return b
}

func orISO(o Order) Order {
	if o != "" {
		return o
	}
	return ISO
}

// sample returns the beginning of the first file, unpacked.
func (f *finding) sample(ctx context.Context, src Source) (sample []byte, whole bool, err error) {
	all, err := openFiles(ctx, src, f.Options)
	if err != nil {
		return nil, false, err
	}
	entry, err := all.next()
	if err != nil {
		return nil, false, err
	}
	if entry != "" {
		f.name = strings.ToLower(entry)
	}
	body, err := all.open()
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	sample, err = io.ReadAll(io.LimitReader(body, sampleSize))
	if err != nil && (len(sample) == 0 || fault.KindOf(err) != fault.Internal) {
		return nil, false, unreadable(err)
	}
	return sample, err == nil && len(sample) < sampleSize, nil // a damaged file is read as far as it goes
}

// textFormat tells JSON from NDJSON and both from CSV.
func (f *finding) textFormat(text []byte) (Format, error) {
	if isBinary(text) {
		return "", fault.New(fault.Invalid, "unknown_format", "the file is none that holds rows").
			WithHint("send CSV, TSV, JSON, NDJSON, Parquet or XLSX; the option encoding tells how text is encoded")
	}
	extension := path.Ext(strings.TrimSuffix(strings.TrimSuffix(f.name, ".gz"), ".zst"))
	text = bytes.TrimLeft(text, " \t\r\n")
	switch {
	case extension == ".tsv" || extension == ".tab":
		return TSV, nil
	case extension == ".csv" || len(text) == 0 || text[0] != '{' && text[0] != '[':
		return CSV, nil
	case text[0] == '[':
		return JSON, nil
	case extension == ".ndjson" || extension == ".jsonl" || lines(text):
		return NDJSON, nil
	}
	return JSON, nil
}

// lines reports whether a text has an object a line: the first line or the second is one,
// and not the last.
func lines(text []byte) bool {
	for range 2 {
		line, rest, found := bytes.Cut(text, []byte{'\n'})
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if !found || len(rest) == 0 {
			return false
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' && json.Valid(line) {
			return true
		}
		text = rest
	}
	return false
}

// isBinary reports whether a text has many characters that no text has.
func isBinary(text []byte) bool {
	odd := 0
	for _, c := range text {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != 0x1b {
			odd++
		}
	}
	return odd > 4 && odd*20 > len(text)
}
