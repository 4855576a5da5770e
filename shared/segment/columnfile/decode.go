package columnfile

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tarnhq/tarn/shared/rows"
)

// Decode appends the values of a chunk, the bytes of its Range, to a column. Form is
// the one that it was written in.
func (f *File) Decode(group int, column string, form Form, chunk []byte, into *rows.Column) (err error) {
	defer guard(&err)
	at, ok := f.columns[column]
	if !ok {
		return fmt.Errorf("no column %q", column)
	}
	d := decoder{
		form: form, meta: &f.meta.RowGroups[group].Columns[at].MetaData, into: into,
		optional: f.meta.Schema[at+1].RepetitionType.V == format.Optional,
	}
	if d.meta.Type != forms[form].typ {
		return fmt.Errorf("column %q holds %v", column, d.meta.Type)
	}
	for len(chunk) > 0 {
		if chunk, err = d.page(chunk); err != nil {
			return fmt.Errorf("column %q: %w", column, err)
		}
	}
	if d.rows != f.Rows(group) {
		return fmt.Errorf("column %q: %d rows of %d", column, d.rows, f.Rows(group))
	}
	return nil
}

type decoder struct {
	form     Form
	meta     *format.ColumnMetaData
	optional bool
	dict     values
	into     *rows.Column
	rows     int // read so far
}

// page reads a page and returns what follows it.
func (d *decoder) page(chunk []byte) (rest []byte, err error) {
	var header format.PageHeader
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(chunk)
	if err := thrift.NewDecoder(reader).Decode(&header); err != nil {
		return nil, err
	}
	chunk = chunk[reader.BytesRead():]
	size := int(header.CompressedPageSize)
	if size < 0 || size > len(chunk) || int64(header.UncompressedPageSize) > d.meta.TotalUncompressedSize {
		return nil, fmt.Errorf("a page of %d bytes where %d are left", size, len(chunk))
	}
	body, rest := chunk[:size], chunk[size:]
	// #nosec G115 -- a checksum keeps its bits
	if crc32.ChecksumIEEE(body) != uint32(header.CRC) {
		return nil, errors.New("a page's checksum differs")
	}
	switch header.Type {
	case format.DictionaryPage:
		return rest, d.dictionary(header.DictionaryPageHeader.V, body)
	case format.DataPageV2:
		return rest, d.data(header.DataPageHeaderV2.V, body)
	default:
		return nil, fmt.Errorf("a page of type %v", header.Type)
	}
}

func (d *decoder) dictionary(header format.DictionaryPageHeader, body []byte) error {
	raw, err := compression.Decode(nil, body)
	if err != nil {
		return err
	}
	d.dict, err = decodeValues(d.form, header.Encoding, raw, int(header.NumValues), nil)
	return err
}

func (d *decoder) data(header format.DataPageHeaderV2, body []byte) error {
	n, present := int(header.NumValues), int(header.NumValues-header.NumNulls)
	if n < 0 || n > GroupRows || present < 0 || present > n {
		return fmt.Errorf("a page of %d values, %d of them null", n, header.NumNulls)
	}
	levels, raw := body[:header.DefinitionLevelsByteLength], body[header.DefinitionLevelsByteLength:]
	if header.IsCompressed.V {
		var err error
		if raw, err = compression.Decode(nil, raw); err != nil {
			return err
		}
	}
	read, err := decodeValues(d.form, header.Encoding, raw, present, &d.dict)
	if err != nil {
		return err
	}
	d.rows += n
	if !d.optional {
		return d.append(read, nil, n)
	}
	decoded, err := (&rle.Encoding{BitWidth: 1}).DecodeLevels(nil, levels)
	if err != nil || len(decoded) < n {
		return fmt.Errorf("%d levels of %d (%w)", len(decoded), n, err)
	}
	return d.append(read, decoded[:n], n)
}

// append appends n rows; levels say which of them hold a value, nil that all do.
func (d *decoder) append(read values, levels []byte, n int) error {
	next := 0
	for row := range n {
		null := levels != nil && levels[row] == 0
		if d.optional {
			d.into.Null = append(d.into.Null, null)
		}
		if null {
			read.appendNull(d.form, d.into)
			continue
		}
		read.appendTo(d.form, d.into, next)
		next++
	}
	if next != read.len() {
		return fmt.Errorf("%d values for %d rows", read.len(), next)
	}
	return nil
}
