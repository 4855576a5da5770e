package export

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// writer writes rows in a format.
type writer interface {
	row(row []query.Value) error
	close() error // writes what is left
}

func newWriter(f Format, to io.Writer, columns []query.Column) (writer, error) {
	switch f {
	case Parquet:
		return newParquet(to, columns), nil
	case XLSX:
		return newXLSX(to, columns)
	case NDJSON:
		return newLines(to, nil, ndjson(columns)), nil
	}
	return newLines(to, query.AppendCSVHeader(nil, columns), query.AppendCSV), nil
}

// widened returns the columns with those texts that no file holds as numbers.
func widened(columns []query.Column, wide []int) []query.Column {
	out := slices.Clone(columns)
	for _, i := range wide {
		out[i].Type = query.Text
	}
	return out
}

// lines writes rows that are text, one after the other.
type lines struct {
	to     io.Writer
	buffer []byte
	append func(b []byte, row []query.Value) []byte
}

const lineBuffer = 64 << 10

func newLines(to io.Writer, head []byte, appendRow func([]byte, []query.Value) []byte) *lines {
	return &lines{to: to, buffer: head, append: appendRow}
}

func (l *lines) row(row []query.Value) error {
	if l.buffer = l.append(l.buffer, row); len(l.buffer) < lineBuffer {
		return nil
	}
	return l.close()
}

func (l *lines) close() error {
	_, err := l.to.Write(l.buffer)
	l.buffer = l.buffer[:0]
	return err
}

// ndjson writes rows as objects. A null is there as null.
func ndjson(columns []query.Column) func([]byte, []query.Value) []byte {
	names := make([][]byte, len(columns))
	for i, c := range columns {
		name, _ := json.Marshal(c.Name) // a text cannot fail
		names[i] = append(name, ':')
	}
	return func(b []byte, row []query.Value) []byte {
		b = append(b, '{')
		for i, v := range row {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.AppendJSON(append(b, names[i]...))
		}
		return append(b, "}\n"...)
	}
}

// bounded fails when more is written than a blob holds.
type bounded struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, fault.New(fault.TooLarge, "export_too_large", "the file would be larger than 5 GiB").
			WithHint("export a shorter time at a time, fewer columns, or Parquet")
	}
	b.left -= int64(len(p))
	return b.w.Write(p)
}
