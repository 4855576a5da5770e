// Package tabular reads files of rows (CSV, TSV, JSON, NDJSON, Parquet, XLSX, plain or
// packed) into typed batches. It promises that each record of a file comes out once, as a
// row or as a Bad with its place and the reason, that no value is changed to fit, and that
// memory is bounded whatever the file holds. Where rows go is package load's business.
package tabular

import (
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Limits of what is read.
const (
	maxRecord   = 16 << 20  // bytes of a record, decoded
	maxDepth    = 200       // of nested JSON
	maxEntries  = 1000      // files of a zip
	maxUnpacked = 64 << 30  // bytes that a file may unpack to
	maxRatio    = 250       // of unpacked bytes to packed ones, from freeUnpacked on
	maxWorkbook = 2 << 30   // bytes that the parts of a workbook may unpack to
	maxShared   = 256 << 20 // bytes of a workbook's shared strings

	freeUnpacked = 64 << 20
)

// Part is some rows of a file and the records among them that are none.
type Part struct {
	Rows  rows.Batch
	Entry string  // of a zip, the file that they are of
	Lines []int64 // per row of Rows: where its record begins, as Bad.Line
	Bad   []Bad
	Read  int64 // bytes of the source read so far
}

// Bad is a record that could not be a row.
type Bad struct {
	// Line is where the record begins: a line of CSV and NDJSON, a row of a sheet, else
	// the number of the record. The first is 1.
	Line   int64
	Column string // of the value that is at fault, if it is one
	Code   string // stable, snake_case
	Reason string // for the owner of the file
	Raw    []byte // the record: as it stood, but in UTF-8; a JSON object where the format is no text
}

// Reader reads the rows of a file, part by part. It is not safe for concurrent use.
type Reader struct {
	options Options
	limits  limits
	table   *table
	files   *files
	file    decoder // of the entry that is being read; nil between entries
	entry   string
	ended   bool
}

// limits bound a Part: it ends when one of them is reached.
type limits struct {
	rows  int
	bytes int64
	chunk int // bytes that text is read in
}

var partLimits = limits{rows: 256 << 10, bytes: 64 << 20, chunk: 256 << 10}

// decoder adds the records of one file to a table.
type decoder interface {
	// more adds some records. It fails with io.EOF, having added none, after the last.
	more(ctx context.Context) error
	close() error
}

// Open opens a file for reading. Options should be what Detect found; what they leave out
// is detected. Values of the declared columns, and of those in Options.Columns, fit their
// types or make a record Bad; other columns are typed by the values that they have had so
// far, in this part and those before.
func Open(ctx context.Context, src Source, o Options, declared []dataset.Column) (*Reader, error) {
	return open(ctx, src, o, declared, partLimits)
}

func open(ctx context.Context, src Source, o Options, declared []dataset.Column, l limits) (*Reader, error) {
	o, err := Detect(ctx, src, "", o)
	if err != nil {
		return nil, err
	}
	files, err := openFiles(ctx, src, o)
	if err != nil {
		return nil, err
	}
	return &Reader{options: o, limits: l, files: files, table: newTable(o, declared)}, nil
}

// Close releases what the Reader holds.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.close()
}

// Columns returns the columns seen so far. One that has had no value is text.
func (r *Reader) Columns() []dataset.Column { return r.table.schema() }

// Next returns the next part, or io.EOF after the last. A file that cannot be read on is
// fault.Invalid; what came before stands.
func (r *Reader) Next(ctx context.Context) (Part, error) {
	r.files.within(ctx)
	for !r.ended {
		part, err := r.part(ctx)
		if err != nil {
			return Part{}, err
		}
		if part.Rows.Len > 0 || len(part.Bad) > 0 {
			return part, nil
		}
	}
	return Part{}, io.EOF
}

// part reads to the end of a file, or until the part is full.
func (r *Reader) part(ctx context.Context) (Part, error) {
	if r.file == nil {
		err := r.nextFile(ctx)
		if err == io.EOF {
			r.ended = true
			return Part{}, nil
		}
		if err != nil {
			return Part{}, err
		}
	}
	r.table.begin(r.limits)
	for !r.table.full() {
		if err := ctx.Err(); err != nil {
			return Part{}, err
		}
		err := r.file.more(ctx)
		if err == io.EOF {
			return r.endFile()
		}
		if err != nil {
			return Part{}, err
		}
	}
	return r.taken(false), nil
}

func (r *Reader) nextFile(ctx context.Context) error {
	name, err := r.files.next()
	if err != nil {
		return err
	}
	r.entry = name
	r.file, err = r.newDecoder(ctx)
	return err
}

func (r *Reader) endFile() (Part, error) {
	err := r.file.close()
	r.file = nil
	return r.taken(r.files.last()), err
}

func (r *Reader) taken(last bool) Part {
	part := r.table.take(last)
	part.Entry, part.Read = r.entry, r.files.read()
	return part
}

func (r *Reader) newDecoder(ctx context.Context) (decoder, error) {
	switch r.options.Format {
	case Parquet:
		return newParquet(ctx, r.files.src, r.table)
	case XLSX:
		return newSheet(ctx, r.files.src, r.options, r.table)
	}
	body, err := r.files.open()
	if err != nil {
		return nil, err
	}
	text := newText(decode(body, r.options.Encoding), body.Close, r.limits.chunk)
	switch r.options.Format {
	case JSON:
		return newJSON(text, r.table), nil
	case NDJSON:
		return newLines(text, r.table), nil
	default:
		return newCSV(text, r.options, r.table), nil
	}
}
