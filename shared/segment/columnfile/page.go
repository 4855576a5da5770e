// #nosec G115 -- rows and bytes of a page of a row group, below 2 GB; a checksum keeps its bits

package columnfile

import (
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zstd"
	codec "github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

var compression codec.Codec // what a reader needs

// newCompressor makes what pages are compressed by. Ids of few letters hold no
// repetition that the fastest level would look at, and yet half of them is air.
func newCompressor() *zstd.Encoder {
	c, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithAllLitEntropyCompression(true), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // only a wrong option of ours
	}
	return c
}

// page writes e.raw, the encoded values of the rows that have these levels, as a
// data page. It stays uncompressed where compressing gains too little to be worth
// the work of every reader.
func (e *encoder) page(w *chunk, levels []byte, encoding format.Encoding) {
	nulls := 0
	e.levelBytes = e.levelBytes[:0]
	if w.Optional {
		e.levelBytes, _ = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.levelBytes, levels)
		for _, level := range levels {
			nulls += int(1 - level)
		}
	}
	body, compressed := e.raw, false
	if w.meta.Codec == format.Zstd {
		e.packed = e.compressor.EncodeAll(e.raw, e.packed[:0])
		if compressed = len(e.packed) < len(e.raw)*15/16; compressed {
			body = e.packed
		}
	}
	w.begin(encoding, &w.meta.DataPageOffset, len(e.out))
	e.write(w, e.levelBytes, body, format.PageHeader{
		Type: format.DataPageV2,
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: int32(len(levels)), NumNulls: int32(nulls), NumRows: int32(len(levels)),
			Encoding: encoding, DefinitionLevelsByteLength: int32(len(e.levelBytes)),
			IsCompressed: thrift.New(compressed),
		}),
	})
}

// dictionaryPage writes e.raw, the entries of the dictionary.
func (e *encoder) dictionaryPage(w *chunk) {
	e.levelBytes = e.levelBytes[:0]
	e.packed = e.compressor.EncodeAll(e.raw, e.packed[:0])
	w.begin(format.Plain, &w.meta.DictionaryPageOffset, len(e.out))
	e.write(w, nil, e.packed, format.PageHeader{
		Type:                 format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(e.dict.size), Encoding: format.Plain}),
	})
}

// begin notes the first page of its kind.
func (w *chunk) begin(encoding format.Encoding, offset *int64, at int) {
	if *offset == 0 {
		*offset = int64(at)
	}
	if !slices.Contains(w.meta.Encoding, encoding) {
		w.meta.Encoding = append(w.meta.Encoding, encoding)
	}
}

func (e *encoder) write(w *chunk, levels, body []byte, header format.PageHeader) {
	header.UncompressedPageSize = int32(len(levels) + len(e.raw))
	header.CompressedPageSize = int32(len(levels) + len(body))
	header.CRC = int32(crc32.Update(crc32.ChecksumIEEE(levels), crc32.IEEETable, body))
	begin := len(e.out)
	e.marshal(&header)
	w.meta.TotalUncompressedSize += int64(len(e.out)-begin) + int64(header.UncompressedPageSize)
	e.out = append(append(e.out, levels...), body...)
}
