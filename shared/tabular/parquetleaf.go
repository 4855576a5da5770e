package tabular

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tarnhq/tarn/shared/dataset"
)

// leafReader reads the values of a leaf, or says what is wrong with one.
type leafReader struct {
	read func(parquet.Value) (v cell, flaw string)
	kind dataset.Type // of the values, or of most
}

const (
	flawFinite = "NaN and infinities are no numbers; the option nulls makes them null"
	flawBinary = "the value is no text in UTF-8: bytes are not stored"
	flawLong   = "the value has more than 16 MiB"
	flawTime   = "the time is out of the years 0 to 9999"
)

// append appends a value as JSON. What is flawed is shown as text.
func (l leafReader) append(dst []byte, value parquet.Value, flaw *string) []byte {
	if value.IsNull() {
		return append(dst, "null"...)
	}
	v, wrong := l.read(value)
	if wrong != "" {
		*flaw = wrong
		return appendQuoted(dst, mended([]byte(value.String())))
	}
	shown, _ := v.as(dataset.JSON) // holds anything
	return append(dst, shown.text...)
}

func newLeafReader(t parquet.Type) leafReader {
	if logical := t.LogicalType(); logical != nil && logical.Value != nil {
		if read, kind := logicalReader(logical.Value, t.Kind()); read != nil {
			return leafReader{read, kind}
		}
	}
	if converted := t.ConvertedType(); converted != nil && *converted == deprecated.Interval {
		return leafReader{readInterval, dataset.Text}
	}
	return physicalReader(t.Kind())
}

func physicalReader(k parquet.Kind) leafReader {
	switch k {
	case parquet.Boolean:
		return leafReader{readBool, dataset.Bool}
	case parquet.Int32, parquet.Int64:
		return leafReader{func(v parquet.Value) (cell, string) { return cell{kind: dataset.Int, int: signed(v)}, "" }, dataset.Int}
	case parquet.Int96:
		return leafReader{readInt96, dataset.Time}
	case parquet.Float:
		return leafReader{func(v parquet.Value) (cell, string) { return finiteCell(float64(v.Float())) }, dataset.Float}
	case parquet.Double:
		return leafReader{func(v parquet.Value) (cell, string) { return finiteCell(v.Double()) }, dataset.Float}
	}
	return leafReader{readText, dataset.Text}
}

func logicalReader(logical format.LogicalTypeValue, k parquet.Kind) (func(parquet.Value) (cell, string), dataset.Type) {
	switch l := logical.(type) {
	case *format.DecimalType:
		return decimalReader(l, k)
	case *format.DateType:
		return func(v parquet.Value) (cell, string) { return timeCell(int64(v.Int32()), 86400e9) }, dataset.Time
	case *format.TimestampType:
		unit := l.Unit.Value.Duration()
		return func(v parquet.Value) (cell, string) { return timeCell(v.Int64(), unit) }, dataset.Time
	case *format.TimeType:
		return clockReader(l.Unit.Value.Duration()), dataset.Text
	case *format.IntType:
		if !l.IsSigned {
			return unsignedReader(k), dataset.Int
		}
	case *format.JsonType:
		return readJSON, dataset.JSON
	case *format.UUIDType:
		return readUUID, dataset.Text
	case *format.NullType:
		return func(parquet.Value) (cell, string) { return cell{}, "" }, ""
	}
	return nil, ""
}

func readBool(v parquet.Value) (cell, string) {
	if v.Boolean() {
		return cell{kind: dataset.Bool, int: 1}, ""
	}
	return cell{kind: dataset.Bool}, ""
}

// clockReader reads times of day, which have no type of their own.
func clockReader(unit time.Duration) func(parquet.Value) (cell, string) {
	return func(v parquet.Value) (cell, string) {
		at := time.Unix(0, 0).Add(time.Duration(signed(v)) * unit).UTC()
		return textCell(at.AppendFormat(nil, "15:04:05.999999999")), ""
	}
}

func signed(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func finiteCell(f float64) (cell, string) {
	if !finite(f) {
		return cell{}, flawFinite
	}
	return cell{kind: dataset.Float, float: f}, ""
}

// timeCell is the time of n units since 1970. Finer digits than microseconds are cut.
func timeCell(n int64, unit time.Duration) (cell, string) {
	micros := int64(0)
	if unit < time.Microsecond {
		per := int64(time.Microsecond / unit)
		micros = n / per
		if n%per < 0 {
			micros-- // as the times before 1970 are cut elsewhere
		}
	} else {
		per := int64(unit / time.Microsecond)
		micros = n * per
		if n != 0 && micros/per != n {
			return cell{}, flawTime
		}
	}
	if micros < firstTime || micros > lastTime {
		return cell{}, flawTime
	}
	return cell{kind: dataset.Time, int: micros}, ""
}

// readInt96 reads the time that Impala and Spark write as nanoseconds of a Julian day.
func readInt96(v parquet.Value) (cell, string) {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0])) // #nosec G115 -- the bits, as the format has them
	day, flaw := timeCell(int64(i[2])-2440588, 86400e9)
	if flaw != "" || nanos < 0 || nanos > 86400e9 {
		return cell{}, flawTime
	}
	return timeCell(day.int+nanos/1000, time.Microsecond)
}

func unsignedReader(k parquet.Kind) func(parquet.Value) (cell, string) {
	if k == parquet.Int32 {
		return func(v parquet.Value) (cell, string) { return cell{kind: dataset.Int, int: int64(v.Uint32())}, "" }
	}
	return func(v parquet.Value) (cell, string) {
		u := v.Uint64()
		if u > math.MaxInt64 {
			return textCell(fmt.Append(nil, u)), ""
		}
		return cell{kind: dataset.Int, int: int64(u)}, ""
	}
}

// decimalReader reads decimals: as ints where they have no fraction, as floats where these
// keep each digit, else as text.
func decimalReader(d *format.DecimalType, k parquet.Kind) (func(parquet.Value) (cell, string), dataset.Type) {
	scale, kind := min(max(int(d.Scale), 0), 100), dataset.Text
	if scale == 0 && d.Precision <= 18 {
		kind = dataset.Int
	} else if scale > 0 && d.Precision <= 15 {
		kind = dataset.Float
	}
	return func(v parquet.Value) (cell, string) {
		var n big.Int
		if k == parquet.Int32 || k == parquet.Int64 {
			n.SetInt64(signed(v))
		} else {
			twosComplement(&n, v.ByteArray())
		}
		text := decimalDigitsOf(&n, scale)
		if kind == dataset.Int && n.IsInt64() {
			return cell{kind: kind, int: n.Int64()}, ""
		}
		if parts, ok := scanDecimal(text, '.'); ok && kind == dataset.Float {
			f, _ := parts.float(text, '.') // 15 digits are in range
			return cell{kind: kind, float: f}, ""
		}
		return textCell(text), ""
	}, kind
}

func twosComplement(n *big.Int, b []byte) {
	n.SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b)))) // #nosec G115 -- a length
	}
}

func decimalDigitsOf(n *big.Int, scale int) []byte {
	digits := new(big.Int).Abs(n).Append(nil, 10)
	for len(digits) <= scale {
		digits = append([]byte{'0'}, digits...)
	}
	if scale > 0 {
		point := len(digits) - scale
		digits = append(digits[:point:point], append([]byte{'.'}, digits[point:]...)...)
	}
	if n.Sign() < 0 {
		digits = append([]byte{'-'}, digits...)
	}
	return digits
}

func readText(v parquet.Value) (cell, string) {
	b := v.ByteArray()
	switch {
	case len(b) > maxRecord:
		return cell{}, flawLong
	case !utf8.Valid(b):
		return cell{}, flawBinary
	}
	return textCell(b), ""
}

// readJSON reads JSON. What is none is the text that it is.
func readJSON(v parquet.Value) (cell, string) {
	c, flaw := readText(v)
	var compact bytes.Buffer
	if flaw == "" && !deep(c.text) && json.Compact(&compact, c.text) == nil {
		return cell{kind: dataset.JSON, text: compact.Bytes()}, ""
	}
	return c, flaw
}

func readUUID(v parquet.Value) (cell, string) {
	id, err := uuid.FromBytes(v.ByteArray())
	if err != nil {
		return cell{}, flawBinary
	}
	return textCell([]byte(id.String())), ""
}

// readInterval reads months, days and milliseconds as a duration of ISO 8601.
func readInterval(v parquet.Value) (cell, string) {
	b := v.ByteArray()
	if len(b) != 12 {
		return cell{}, flawBinary
	}
	months, days, millis := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	return textCell(fmt.Appendf(nil, "P%dM%dDT%d.%03dS", months, days, millis/1000, millis%1000)), ""
}
