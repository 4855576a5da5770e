package columnfile

import (
	"bytes"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"
)

// encoder holds the file that is being written, and scratch memory.
type encoder struct {
	out  []byte
	head bytes.Buffer

	levels  []byte   // of each row of the group: 1 where it is not null
	present []int32  // rows of the group that are not null
	words   []uint64 // their values, of a numeric column
	indexes []int32  // their numbers in the dictionary
	dict    dictionary

	ints    []int64 // values in the form that an encoding takes
	days    []int32
	text    []byte
	offsets []uint32

	levelBytes []byte // a page's levels, encoded
	raw        []byte // its values, encoded
	packed     []byte // and compressed
	compressor *zstd.Encoder
}

// chunk is a column of a row group.
type chunk struct {
	*Column
	meta   format.ColumnMetaData
	hashes []uint64 // of the distinct values, where the column has Bloom filters
}

func (e *encoder) chunk(c *Column, order []int32) chunk {
	e.pick(c, order)
	begin := len(e.out)
	w := chunk{Column: c, meta: format.ColumnMetaData{
		Type: forms[c.Form].typ, PathInSchema: []string{c.Name}, Codec: c.Form.codec(),
		NumValues: int64(len(order)), Encoding: []format.Encoding{format.RLE},
		Statistics: format.Statistics{NullCount: int64(len(order) - len(e.present))},
	}}
	switch c.Form {
	case Bool:
		e.bools(&w)
	case UUID:
		e.uuids(&w)
	case Text, Bytes:
		e.texts(&w)
	default:
		e.numbers(&w)
	}
	w.meta.TotalCompressedSize = int64(len(e.out) - begin)
	return w
}

// pick finds the rows that hold a value.
func (e *encoder) pick(c *Column, order []int32) {
	e.present = e.present[:0]
	e.levels = slices.Grow(e.levels[:0], len(order))[:len(order)]
	if c.Values.Null == nil {
		e.present = append(e.present, order...)
		for i := range e.levels {
			e.levels[i] = 1
		}
		return
	}
	for i, row := range order {
		e.levels[i] = 0
		if !c.Values.Null[row] {
			e.levels[i] = 1
			e.present = append(e.present, row)
		}
	}
}

func (e *encoder) bools(w *chunk) {
	e.raw = append(e.raw[:0], make([]byte, (len(e.present)+7)/8)...)
	words := e.gather(w.Column)
	for i, word := range words {
		e.raw[i/8] |= byte(word&1) << (i % 8)
	}
	w.wordBounds(words)
	e.page(w, e.levels, format.Plain)
}

func (e *encoder) uuids(w *chunk) {
	e.raw = e.raw[:0]
	for _, row := range e.present {
		id, _ := ParseUUID(w.Values.Text(int(row)))
		e.raw = append(e.raw, id[:]...)
		if w.Bloom {
			w.hashes = append(w.hashes, bloom.XXH64{}.Sum64Uint128(id))
		}
	}
	e.page(w, e.levels, format.Plain)
}
