// #nosec G115 -- counts of columns, row groups and bytes of a file that a seal bounds below 2 GB

package columnfile

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"sync"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const magic = "PAR1"

// bloomBits a value make one false positive in a hundred.
const bloomBits = 11

// encoders keep their scratch memory from file to file.
var encoders = sync.Pool{New: func() any { return &encoder{compressor: newCompressor()} }}

// Encode writes the given rows of the columns, in that order, as a Parquet file, and
// returns it with the length of its tail. The same input makes the same bytes.
func Encode(columns []Column, order []int32) (body []byte, tail int) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.out = append(e.out[:0], magic...)

	meta := format.FileMetaData{
		Version: 2, NumRows: int64(len(order)), CreatedBy: "tarn",
		Schema:           []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(len(columns)))}},
		KeyValueMetadata: append([]format.KeyValue{{Key: versionKey, Value: version}}, icebergSchema(columns)...),
	}
	for i := range columns {
		meta.Schema = append(meta.Schema, columns[i].element())
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	var filters []filter
	for from := 0; from < len(order); from += GroupRows {
		group, its := e.group(columns, order[from:min(from+GroupRows, len(order))])
		group.Ordinal = int16(len(meta.RowGroups))
		meta.RowGroups = append(meta.RowGroups, group)
		filters = append(filters, its...)
	}
	for i := len(columns) - 1; i >= 0; i-- {
		tail = len(e.out)
		e.filters(filters, i, &meta)
	}
	e.footer(&meta)
	return bytes.Clone(e.out), len(e.out) - tail
}

// filter holds the hashes of a column chunk until its Bloom filter is written.
type filter struct {
	column int
	hashes []uint64
}

func (e *encoder) group(columns []Column, order []int32) (format.RowGroup, []filter) {
	group := format.RowGroup{NumRows: int64(len(order)), FileOffset: int64(len(e.out))}
	var filters []filter
	for i := range columns {
		c := e.chunk(&columns[i], order)
		group.Columns = append(group.Columns, format.ColumnChunk{MetaData: c.meta})
		group.TotalByteSize += c.meta.TotalUncompressedSize
		group.TotalCompressedSize += c.meta.TotalCompressedSize
		if columns[i].Bloom {
			filters = append(filters, filter{column: i, hashes: c.hashes})
		}
	}
	return group, filters
}

// filters writes the Bloom filters of a column, those of all row groups together.
func (e *encoder) filters(all []filter, column int, meta *format.FileMetaData) {
	group := 0
	for _, f := range all {
		if f.column != column {
			continue
		}
		blocks := make(bloom.SplitBlockFilter, max(1, bloom.NumSplitBlocksOf(distinct(f.hashes), bloomBits)))
		blocks.InsertBulk(f.hashes)
		chunk := &meta.RowGroups[group].Columns[column].MetaData
		chunk.BloomFilterOffset = int64(len(e.out))
		e.marshal(&format.BloomFilterHeader{
			NumBytes:    int32(len(blocks.Bytes())),
			Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
			Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
			Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
		})
		e.out = append(e.out, blocks.Bytes()...)
		chunk.BloomFilterLength = int32(int64(len(e.out)) - chunk.BloomFilterOffset)
		group++
	}
}

// distinct is about the number of different hashes, by linear counting: a bit of a
// map is left unset as often as so many hashes would leave it. Users come back, and
// a filter that had room for each of their events would be ten times as long.
func distinct(hashes []uint64) int64 {
	size := bits.Len(uint(4 * len(hashes)))
	seen := make([]uint64, 1<<size/64+1)
	for _, h := range hashes {
		at := h >> (64 - size)
		seen[at/64] |= 1 << (at % 64)
	}
	unset := 1 << size
	for _, word := range seen {
		unset -= bits.OnesCount64(word)
	}
	return int64(math.Ceil(-math.Ldexp(math.Log(math.Ldexp(float64(unset), -size)), size)))
}

func (e *encoder) footer(meta *format.FileMetaData) {
	begin := len(e.out)
	e.marshal(meta)
	e.out = binary.LittleEndian.AppendUint32(e.out, uint32(len(e.out)-begin))
	e.out = append(e.out, magic...)
}

// marshal appends a Thrift structure. The types are the format's own: none can fail.
func (e *encoder) marshal(v any) {
	e.head.Reset()
	if err := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&e.head)).Encode(v); err != nil {
		panic(err)
	}
	e.out = append(e.out, e.head.Bytes()...)
}
