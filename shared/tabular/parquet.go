package tabular

import (
	"context"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// parquetFile decodes Parquet. A column of the file's root is a column of the table; what
// it nests is JSON.
type parquetFile struct {
	random *random
	file   *parquet.File
	table  *table
	fields []*parquetField
	groups []parquet.RowGroup // that are left
	rows   parquet.Rows       // of the group that is read
	buffer []parquet.Row
	leaves leaves
	record []place
	number int64 // of the last record
}

const (
	parquetRows  = 64        // that are read at once
	parquetReads = 256 << 10 // bytes that a column's chunk is read in
	maxChunk     = 2 << 30   // bytes that a column may unpack to in a row group
)

func newParquet(ctx context.Context, src Source, tab *table) (d decoder, err error) {
	p := &parquetFile{random: newRandom(ctx, src), table: tab, buffer: make([]parquet.Row, parquetRows)}
	defer p.mend(&err)
	p.file, err = parquet.OpenFile(p.random, src.Size(), &parquet.FileConfig{
		SkipPageIndex: true, SkipBloomFilters: true, ReadBufferSize: parquetReads, ReadMode: parquet.ReadModeSync,
	})
	if err != nil {
		return nil, p.random.failure(err)
	}
	if err := checkChunks(p.file); err != nil {
		return nil, err
	}
	p.groups = p.file.RowGroups()
	return p, p.adopt()
}

// mend makes an error of a panic: parquet-go panics on some files that are damaged.
func (p *parquetFile) mend(err *error) {
	if r := recover(); r != nil {
		*err = p.random.failure(fmt.Errorf("parquet: %v", r))
	}
}

// checkChunks refuses files that would take too much memory to read. Parquet is packed page
// by page, and a page is unpacked at once.
func checkChunks(f *parquet.File) error {
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			if m := c.MetaData; m.TotalUncompressedSize > maxChunk || m.TotalUncompressedSize < 0 {
				return fault.New(fault.Invalid, "unpacks_too_far", "a column of a row group unpacks to more than 2 GiB").
					WithHint("write smaller row groups")
			}
		}
	}
	return nil
}

// adopt makes columns of the file's.
func (p *parquetFile) adopt() error {
	columns := p.file.Root().Columns()
	if len(columns) > dataset.MaxColumns {
		return tooManyColumns()
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name()
	}
	for i, name := range columnNames(names) {
		c, err := p.table.column(name)
		if err != nil {
			return err
		}
		f, err := newParquetField(columns[i], 0)
		if err != nil {
			return err
		}
		if kind := f.typeOf(); c.Type == "" && kind != "" {
			c.become(dataset.Column{Type: kind}, p.table.rows)
		}
		f.column = c
		p.fields = append(p.fields, f)
		p.leaves = make(leaves, f.last+1)
	}
	return nil
}

func (p *parquetFile) close() error {
	if p.rows == nil {
		return nil
	}
	return p.rows.Close()
}

func (p *parquetFile) more(ctx context.Context) (err error) {
	defer p.mend(&err)
	p.random.ctx = ctx
	if p.rows == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.rows, p.groups = p.groups[0].Rows(), p.groups[1:]
	}
	want := max(1, min(parquetRows, p.table.limits.rows-p.table.rows))
	n, err := p.rows.ReadRows(p.buffer[:want])
	for _, row := range p.buffer[:n] {
		p.number++
		if err := p.add(row); err != nil {
			return err
		}
	}
	switch {
	case err == io.EOF:
		err = p.rows.Close()
		p.rows = nil
		return err
	case err != nil:
		return p.random.failure(err)
	case n == 0:
		return unreadable(io.ErrNoProgress)
	}
	return nil
}

// add adds a record, or rejects it for a value that nothing here holds.
func (p *parquetFile) add(row parquet.Row) error {
	values := p.leaves.fill(row)
	p.record = p.record[:0]
	for _, f := range p.fields {
		v, flaw := f.cell(values, &p.table.syntax)
		if flaw != "" {
			p.table.reject(Bad{Line: p.number, Column: f.column.Name, Code: "bad_value", Reason: flaw, Raw: p.raw(row)})
			return nil
		}
		p.record = append(p.record, place{column: f.column, cell: v})
	}
	return p.table.add(p.number, p.record, func() []byte { return p.raw(row) })
}

// raw shows a record as a JSON object. What JSON does not hold is shown as text.
func (p *parquetFile) raw(row parquet.Row) []byte {
	values := p.leaves.fill(row)
	raw := []byte{'{'}
	for i, f := range p.fields {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(appendQuoted(raw, []byte(f.column.Name)), ':')
		var flaw string
		raw = f.append(raw, values, &flaw)
	}
	return append(raw, '}')
}
