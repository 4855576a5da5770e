package query

import (
	"encoding/binary"

	"github.com/tarnhq/tarn/shared/manifest"
)

// resultFormat is the version of what AppendResult writes.
const resultFormat = 1

// AppendResult appends an answer of one dataset as DecodeResult reads it. Of the stats
// it holds whether the answer was cut off.
func AppendResult(b []byte, r Result) []byte {
	b = append(b, resultFormat)
	b = binary.AppendUvarint(b, uint64(r.Version))
	b = BoolValue(r.Stats.Truncated).AppendBinary(b)
	b = binary.AppendUvarint(b, uint64(len(r.Columns)))
	for _, c := range r.Columns {
		b = TextValue(c.Name).AppendBinary(b)
		b = TextValue(string(c.Type)).AppendBinary(b)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Rows)))
	for _, row := range r.Rows {
		for _, v := range row {
			b = v.AppendBinary(b)
		}
	}
	return b
}

// DecodeResult reads an answer that was kept.
func DecodeResult(b []byte) (Result, error) {
	d := resultDecoder{rest: b}
	if len(b) == 0 || b[0] != resultFormat {
		return Result{}, errBinary
	}
	d.rest = b[1:]
	r := Result{Version: manifest.Version(d.number()), Stats: Stats{Kept: true, Truncated: d.value().Int() != 0}}
	for n := d.number(); n > 0 && d.err == nil; n-- {
		r.Columns = append(r.Columns, Column{d.value().Text(), Type(d.value().Text())})
	}
	for n := d.number(); n > 0 && d.err == nil; n-- {
		row := make([]Value, len(r.Columns))
		for i := range row {
			row[i] = d.value()
		}
		r.Rows = append(r.Rows, row)
		if len(row) == 0 {
			d.err = errBinary // rows of nothing: any number of them would fit
		}
	}
	if d.err == nil && len(d.rest) > 0 {
		d.err = errBinary
	}
	if d.err != nil {
		return Result{}, d.err
	}
	return r, nil
}

// resultDecoder reads numbers and values. After a mistake it reads zeros.
type resultDecoder struct {
	rest []byte
	err  error
}

func (d *resultDecoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.rest, d.err = nil, errBinary
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *resultDecoder) value() Value {
	v, rest, err := DecodeValue(d.rest)
	if err != nil {
		d.rest, d.err = nil, err
		return Value{}
	}
	d.rest = rest
	return v
}

// Size is about the memory that the answer takes, in bytes.
func (r Result) Size() int64 {
	size := int64(len(r.Columns)) * 48
	for _, row := range r.Rows {
		size += SizeOf(row)
	}
	return size
}

// SizeOf is about the memory that a row takes, in bytes.
func SizeOf(row []Value) int64 {
	const header, value = 24, 40
	size := int64(header)
	for _, v := range row {
		size += value + int64(len(v.text))
	}
	return size
}
