package columnfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// File is the part of a file that tells where the rest is, and the Bloom filters of
// the first column.
type File struct {
	size    int64
	meta    format.FileMetaData
	columns map[string]int
	filters []bloom.SplitBlockFilter // one for each row group; none if the column has none
}

// Open reads the tail of a file of size bytes.
func Open(tail []byte, size int64) (f *File, err error) {
	defer guard(&err)
	end := len(tail) - 8
	if end < 0 || int64(len(tail)) > size || string(tail[end+4:]) != magic {
		return nil, errors.New("the file does not end as a Parquet file")
	}
	length := int(binary.LittleEndian.Uint32(tail[end:]))
	if length > end {
		return nil, fmt.Errorf("a footer of %d bytes in a tail of %d", length, len(tail))
	}
	f = &File{size: size, columns: map[string]int{}}
	footer := bytes.Clone(tail[end-length : end]) // its texts are not copied again, and the tail is to be freed
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &f.meta); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	for _, group := range f.meta.RowGroups {
		filter, err := f.filter(&group.Columns[0].MetaData, tail)
		if err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
		if filter != nil {
			f.filters = append(f.filters, filter)
		}
	}
	if len(f.filters) > 0 && len(f.filters) != f.Groups() {
		return nil, fmt.Errorf("%d Bloom filters for %d row groups", len(f.filters), f.Groups())
	}
	return f, nil
}

func (f *File) check() error {
	if len(f.meta.KeyValueMetadata) == 0 || f.meta.KeyValueMetadata[0] != (format.KeyValue{Key: versionKey, Value: version}) {
		return fmt.Errorf("not a file of layout %s", version)
	}
	leaves := len(f.meta.Schema) - 1
	if leaves < 1 {
		return errors.New("no columns")
	}
	for i, element := range f.meta.Schema[1:] {
		f.columns[element.Name] = i
	}
	for _, group := range f.meta.RowGroups {
		if len(group.Columns) != leaves || group.NumRows < 0 || group.NumRows > GroupRows {
			return fmt.Errorf("a row group of %d columns and %d rows", len(group.Columns), group.NumRows)
		}
	}
	return nil
}

func (f *File) filter(chunk *format.ColumnMetaData, tail []byte) (bloom.SplitBlockFilter, error) {
	if chunk.BloomFilterOffset == 0 {
		return nil, nil
	}
	from := chunk.BloomFilterOffset - (f.size - int64(len(tail)))
	if from < 0 || from+int64(chunk.BloomFilterLength) > int64(len(tail)) {
		return nil, errors.New("outside of the tail")
	}
	return decodeFilter(tail[from : from+int64(chunk.BloomFilterLength)])
}

func decodeFilter(raw []byte) (bloom.SplitBlockFilter, error) {
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(raw)
	var header format.BloomFilterHeader
	if err := thrift.NewDecoder(reader).Decode(&header); err != nil {
		return nil, err
	}
	bits := raw[reader.BytesRead():]
	if len(bits) != int(header.NumBytes) || len(bits) == 0 || len(bits)%bloom.BlockSize != 0 {
		return nil, fmt.Errorf("%d bytes of %d", len(bits), header.NumBytes)
	}
	filter := make(bloom.SplitBlockFilter, len(bits)/bloom.BlockSize)
	copy(filter.Bytes(), bits) // aligned, and free of the tail's memory
	return filter, nil
}

// Groups is the number of row groups.
func (f *File) Groups() int { return len(f.meta.RowGroups) }

// Rows is the number of rows of a row group.
func (f *File) Rows(group int) int { return int(f.meta.RowGroups[group].NumRows) }

// MayContain reports whether the first column may hold the value of that hash in a
// row group: of the 16 bytes of a UUID, or of a text's.
func (f *File) MayContain(group int, hash uint64) bool {
	return len(f.filters) == 0 || f.filters[group].Check(hash)
}

// FilterRange returns where the Bloom filter of a column lies, for a row group. Its
// length is zero where there is none.
func (f *File) FilterRange(group int, column string) Range {
	at, ok := f.columns[column]
	if !ok {
		return Range{}
	}
	chunk := &f.meta.RowGroups[group].Columns[at].MetaData
	if chunk.BloomFilterOffset <= 0 || chunk.BloomFilterOffset+int64(chunk.BloomFilterLength) > f.size {
		return Range{}
	}
	return Range{chunk.BloomFilterOffset, int64(chunk.BloomFilterLength)}
}

// FilterMayContain reports whether a column's row group may hold a text of that hash, by
// the bytes of its FilterRange.
func FilterMayContain(raw []byte, hash uint64) (may bool, err error) {
	defer guard(&err)
	filter, err := decodeFilter(raw)
	return err == nil && filter.Check(hash), err
}

// Memory is about the bytes of memory that f takes.
func (f *File) Memory() int64 {
	total := int64(512)
	for _, filter := range f.filters {
		total += int64(len(filter)) * bloom.BlockSize
	}
	return total + int64(len(f.meta.RowGroups)*(len(f.columns)+1)*512)
}

// Range returns where the chunk of a column lies in the file.
func (f *File) Range(group int, column string) (offset, length int64, err error) {
	at, ok := f.columns[column]
	if !ok {
		return 0, 0, fmt.Errorf("no column %q", column)
	}
	chunk := &f.meta.RowGroups[group].Columns[at].MetaData
	offset, length = chunk.DataPageOffset, chunk.TotalCompressedSize
	if chunk.DictionaryPageOffset != 0 {
		offset = chunk.DictionaryPageOffset
	}
	if offset < 0 || length < 0 || offset+length > f.size {
		return 0, 0, fmt.Errorf("column %q: a chunk of %d bytes at %d", column, length, offset)
	}
	return offset, length, nil
}

// Columns lists the names of the columns.
func (f *File) Columns() []string { return slices.Sorted(maps.Keys(f.columns)) }

// Range is a run of bytes of a file.
type Range struct{ Offset, Length int64 }

// Ranges returns where all that is of a column lies before the tail: its chunks, and
// its Bloom filters. A file that lacks the column has nothing of it.
func (f *File) Ranges(column string) (ranges []Range) {
	at, ok := f.columns[column]
	if !ok {
		return nil
	}
	for group := range f.meta.RowGroups {
		offset, length, err := f.Range(group, column)
		if err == nil {
			ranges = append(ranges, Range{offset, length})
		}
		if chunk := &f.meta.RowGroups[group].Columns[at].MetaData; chunk.BloomFilterOffset > 0 {
			ranges = append(ranges, Range{chunk.BloomFilterOffset, int64(chunk.BloomFilterLength)})
		}
	}
	return ranges
}

// guard makes an error of a panic: the decoders index what they read by what they
// read, and a file may be broken.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("malformed: %v", p)
	}
}
