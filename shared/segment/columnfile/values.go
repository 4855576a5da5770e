// #nosec G115 -- a word holds the bits of a number, both ways; texts of a row group are below 2 GB

package columnfile

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tarnhq/tarn/shared/rows"
)

// values are decoded values: the bits of numbers, or texts one after the other.
type values struct {
	words []uint64
	text  []byte
	ends  []uint32
	texts bool
}

func (v *values) len() int {
	if v.texts {
		return len(v.ends)
	}
	return len(v.words)
}

func (v *values) at(i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = v.ends[i-1]
	}
	return v.text[begin:v.ends[i]]
}

func (v *values) appendText(text []byte) {
	v.text = append(v.text, text...)
	v.ends = append(v.ends, uint32(len(v.text)))
}

// decodeValues decodes n values of a page.
func decodeValues(form Form, encoding format.Encoding, raw []byte, n int, dict *values) (values, error) {
	v := values{texts: form >= Text}
	var err error
	switch {
	case n == 0:
	case encoding == format.RLEDictionary && dict != nil:
		err = v.lookup(raw, n, dict)
	case encoding == format.Plain && v.texts:
		err = v.plainTexts(form, raw, n)
	case encoding == format.Plain:
		err = v.plainWords(form, raw, n)
	case encoding == format.DeltaBinaryPacked && !v.texts:
		err = v.deltas(form, raw)
	case encoding == format.DeltaLengthByteArray && v.texts:
		err = v.deltaLengths(raw)
	default:
		err = fmt.Errorf("encoding %v", encoding)
	}
	if err == nil && v.len() != n {
		err = fmt.Errorf("%d values of %d", v.len(), n)
	}
	return v, err
}

func (v *values) lookup(raw []byte, n int, dict *values) error {
	indexes, err := new(rle.DictionaryEncoding).DecodeInt32(nil, raw)
	if err != nil {
		return err
	}
	if len(indexes) < n {
		return fmt.Errorf("%d indexes of %d", len(indexes), n)
	}
	for _, i := range indexes[:n] { // the last run is padded
		if i < 0 || int(i) >= dict.len() {
			return fmt.Errorf("entry %d of a dictionary of %d", i, dict.len())
		}
		if v.texts {
			v.appendText(dict.at(int(i)))
		} else {
			v.words = append(v.words, dict.words[i])
		}
	}
	return nil
}

func (v *values) plainTexts(form Form, raw []byte, n int) error {
	for range n {
		size := 16
		if form != UUID {
			if len(raw) < 4 {
				return fmt.Errorf("a text's length in %d bytes", len(raw))
			}
			size, raw = int(binary.LittleEndian.Uint32(raw)), raw[4:]
		}
		if size > len(raw) {
			return fmt.Errorf("a text of %d bytes in %d", size, len(raw))
		}
		v.appendText(raw[:size])
		raw = raw[size:]
	}
	return nil
}

func (v *values) plainWords(form Form, raw []byte, n int) error {
	bits := map[Form]int{Bool: 1, Date: 32}[form]
	if bits == 0 {
		bits = 64
	}
	if len(raw) != (n*bits+7)/8 {
		return fmt.Errorf("%d bytes for %d values of %d bits", len(raw), n, bits)
	}
	for i := range n {
		switch form {
		case Bool:
			v.words = append(v.words, uint64(raw[i/8]>>(i%8)&1))
		case Date:
			v.words = append(v.words, uint64(int32(binary.LittleEndian.Uint32(raw[4*i:]))))
		default:
			v.words = append(v.words, binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
	return nil
}

func (v *values) deltas(form Form, raw []byte) error {
	if form == Date {
		days, err := new(delta.BinaryPackedEncoding).DecodeInt32(nil, raw)
		for _, day := range days {
			v.words = append(v.words, uint64(day))
		}
		return err
	}
	ints, err := new(delta.BinaryPackedEncoding).DecodeInt64(nil, raw)
	for _, i := range ints {
		v.words = append(v.words, uint64(i))
	}
	return err
}

func (v *values) deltaLengths(raw []byte) error {
	text, offsets, err := new(delta.LengthByteArrayEncoding).DecodeByteArray(nil, raw, nil)
	if err != nil || len(offsets) == 0 {
		return err
	}
	v.text, v.ends = text, offsets[1:]
	return nil
}

// appendTo appends the i'th value to a column.
func (v *values) appendTo(form Form, c *rows.Column, i int) {
	switch {
	case form == UUID:
		c.Bytes = appendUUID(c.Bytes, v.at(i))
		c.Ends = append(c.Ends, uint32(len(c.Bytes)))
	case v.texts:
		c.Bytes = append(c.Bytes, v.at(i)...)
		c.Ends = append(c.Ends, uint32(len(c.Bytes)))
	case form == Float:
		c.Float = append(c.Float, math.Float64frombits(v.words[i]))
	default:
		c.Ints = append(c.Ints, int64(v.words[i]))
	}
}

// appendNull appends a null's place to a column.
func (v *values) appendNull(form Form, c *rows.Column) {
	switch {
	case v.texts:
		c.Ends = append(c.Ends, uint32(len(c.Bytes)))
	case form == Float:
		c.Float = append(c.Float, 0)
	default:
		c.Ints = append(c.Ints, 0)
	}
}
