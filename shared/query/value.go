// #nosec G115 -- a value's bits are kept as they are, both ways

package query

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
)

// Type is the type of an answer's column.
type Type string

// The types of answers.
const (
	Timestamp Type = "timestamp"
	Text      Type = "text"
	Int       Type = "int" // of any size: sums may pass 64 bits
	Float     Type = "float"
	Bool      Type = "bool"
	JSON      Type = "json"
)

// The types that only a caller's own SQL makes. All are texts but decimals, which are
// numbers with all their digits.
const (
	Decimal  Type = "decimal"
	Date     Type = "date"     // as RFC 3339 has it
	TimeDay  Type = "time"     // of day, as RFC 3339 has it, without an offset
	Interval Type = "interval" // an ISO 8601 duration: P1Y2M3DT4H5M6.7S
	Blob     Type = "blob"     // in base64
)

// TypeOf returns the type that a column's values have in answers.
func TypeOf(t dataset.Type) Type {
	if t == dataset.Time {
		return Timestamp
	}
	return Type(t)
}

// Value is one value. The zero Value is null.
type Value struct {
	kind kind
	bits uint64 // of an int, float, bool, or time in UTC microseconds
	text string // of a text, or the digits of a decimal or of an int past 64 bits
}

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindBig
	kindFloat
	kindTime
	kindText
)

// IntValue makes an int.
func IntValue(i int64) Value { return Value{kind: kindInt, bits: uint64(i)} }

// FloatValue makes a float; of zeros there is only the positive one.
func FloatValue(f float64) Value { return Value{kind: kindFloat, bits: math.Float64bits(f + 0)} }

// TimeValue makes an instant from UTC microseconds.
func TimeValue(micros int64) Value { return Value{kind: kindTime, bits: uint64(micros)} }

// TextValue makes a text. JSON is text that holds JSON.
func TextValue(s string) Value { return Value{kind: kindText, text: s} }

// BoolValue makes a truth value.
func BoolValue(b bool) Value {
	v := Value{kind: kindBool}
	if b {
		v.bits = 1
	}
	return v
}

// BigValue makes a whole number of any size.
func BigValue(i *big.Int) Value {
	if i.IsInt64() {
		return IntValue(i.Int64())
	}
	return Value{kind: kindBig, text: i.String()}
}

// DecimalValue makes a number from its digits.
func DecimalValue(digits string) Value { return Value{kind: kindBig, text: digits} }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == kindNull }

// Int returns the number of an int or bool, or the microseconds of a time.
func (v Value) Int() int64 { return int64(v.bits) }

// Float returns the number of a float.
func (v Value) Float() float64 { return math.Float64frombits(v.bits) }

// Text returns the text of a text, or the digits of a decimal or of an int past 64
// bits.
func (v Value) Text() string { return v.text }

// Size is the bytes that v takes in an answer as JSON, with its comma, or a little
// less than Size.
func (v Value) Size() int {
	const widest = len(`"2006-01-02T15:04:05.000000Z",`)
	if v.kind != kindText {
		return max(widest, len(v.text)+1)
	}
	size := len(v.text) + len(`"",`)
	for i := range len(v.text) {
		switch c := v.text[i]; {
		case c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			size += len(`\u0000`) - 1
		case c == 0xe2: // the first byte of U+2028 and U+2029, among others
			size += len(`\u2028`) - 3
		}
	}
	return size
}

// AppendText appends v as people and CSV files have it; nothing for null.
func (v Value) AppendText(b []byte) []byte {
	switch v.kind {
	case kindBool:
		return strconv.AppendBool(b, v.bits != 0)
	case kindInt:
		return strconv.AppendInt(b, int64(v.bits), 10)
	case kindFloat:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case kindTime:
		return time.UnixMicro(int64(v.bits)).UTC().AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, v.text...)
}

// MarshalJSON writes v as a value of an answer or a plan.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// AppendJSON appends v as JSON: a time as RFC 3339 text in UTC, an int with all its
// digits, a float that is not finite as null.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case kindNull:
		return append(b, "null"...)
	case kindFloat:
		return appendFloat(b, v.Float())
	case kindTime:
		return append(v.AppendText(append(b, '"')), '"')
	case kindText:
		return appendString(b, v.text)
	}
	return v.AppendText(b)
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a text cannot fail
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// CompareValues orders two values of one column, nulls last.
func CompareValues(v, w Value) int {
	switch {
	case v.IsNull() || w.IsNull():
		return cmp.Compare(boolBit(v.IsNull()), boolBit(w.IsNull()))
	case v.kind == kindBig || w.kind == kindBig: // an int and one past 64 bits
		return compareWhole(v, w)
	}
	return v.compare(w)
}

func boolBit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (v Value) compare(w Value) int {
	switch {
	case v.kind != w.kind:
		return int(v.kind) - int(w.kind)
	case v.kind == kindFloat:
		return cmp.Compare(v.Float(), w.Float()) // NaN is the least: it must have a place
	case v.text != w.text:
		return cmp.Compare(v.text, w.text)
	}
	return cmp.Compare(v.Int(), w.Int())
}

func (v Value) String() string { return string(v.AppendJSON(nil)) }
