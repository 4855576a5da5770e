// #nosec G115 -- a protocol's bytes are parts of numbers

package tdstest

import (
	"encoding/binary"
	"math"
	"math/big"
	"time"
)

// Type is a TYPE_INFO of the protocol.
type Type []byte

// collation is Latin1_General with the code page 1252.
var collation = []byte{0x09, 0x04, 0xd0, 0x00, 52}

// The types. Those that have a length are of the longest there is.
var (
	BitType            = Type{0x68, 1}
	RealType           = Type{0x6d, 4}
	FloatType          = Type{0x6d, 8}
	MoneyType          = Type{0x6e, 8}
	SmallMoneyType     = Type{0x6e, 4}
	DateType           = Type{0x28}
	DateTime2Type      = Type{0x2a, 7}
	DateTimeOffsetType = Type{0x2b, 7}
	DateTimeType       = Type{0x6f, 8}
	SmallDateTimeType  = Type{0x6f, 4}
	NVarCharType       = append(Type{0xe7, 0xff, 0xff}, collation...) // (max)
	VarCharType        = append(Type{0xa7, 0x40, 0x1f}, collation...)
	NCharType          = append(Type{0xef, 0x40, 0x1f}, collation...)
	VarBinaryType      = Type{0xa5, 0x40, 0x1f}
	BinaryType         = Type{0xad, 0x40, 0x1f}
	LongBinaryType     = Type{0xa5, 0xff, 0xff} // (max)
	XMLType            = Type{0xf1, 0}
	TextType           = append(append(Type{0x23, 0xff, 0xff, 0xff, 0x7f}, collation...), 0)
	NTextType          = append(append(Type{0x63, 0xff, 0xff, 0xff, 0x7f}, collation...), 0)
	ImageType          = Type{0x22, 0xff, 0xff, 0xff, 0x7f, 0}
	VariantType        = Type{0x62, 0x49, 0x1f, 0, 0}
)

// IntType is of whole numbers of 1, 2, 4 or 8 bytes.
func IntType(size byte) Type { return Type{0x26, size} }

// DecimalType is of decimals.
func DecimalType(precision, scale byte) Type { return Type{0x6a, 17, precision, scale} }

// Null is the null of a type.
func (t Type) Null() []byte {
	switch {
	case t[0] == 0x62:
		return []byte{0, 0, 0, 0}
	case t[0] == 0xf1 || (t[0] == 0xe7 || t[0] == 0xa5) && t[1] == 0xff && t[2] == 0xff:
		return []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	case t[0] == 0xa7 || t[0] == 0xef || t[0] == 0xa5 || t[0] == 0xad:
		return []byte{0xff, 0xff}
	}
	return []byte{0}
}

// sized puts before a value how long it is.
func sized(value []byte) []byte { return append([]byte{byte(len(value))}, value...) }

// Int is a whole number.
func Int(n int64, size int) []byte {
	return sized(binary.LittleEndian.AppendUint64(nil, uint64(n))[:size])
}

// Real is a number of 32 bits.
func Real(f float32) []byte {
	return sized(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)))
}

// Float is a number of 64 bits.
func Float(f float64) []byte {
	return sized(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
}

// Money is an amount in ten thousandths, its higher half first.
func Money(n int64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(n>>32))
	return sized(binary.LittleEndian.AppendUint32(b, uint32(n)))
}

// Decimal is a decimal without its point.
func Decimal(digits string) []byte {
	n, _ := new(big.Int).SetString(digits, 10)
	b := make([]byte, 17)
	if n.Sign() >= 0 {
		b[0] = 1
	}
	for i, x := range n.Bytes() {
		b[len(n.Bytes())-i] = x
	}
	return sized(b)
}

// days counts from the first day of the calendar.
func days(t time.Time) []byte {
	n := t.Unix()/86400 + 719162
	return []byte{byte(n), byte(n >> 8), byte(n >> 16)}
}

// ticks are those of 100 nanoseconds since midnight.
func ticks(t time.Time) []byte {
	n := int64(t.Hour()*3600+t.Minute()*60+t.Second())*1e7 + int64(t.Nanosecond()/100)
	return binary.LittleEndian.AppendUint64(nil, uint64(n))[:5]
}

// Date is a day.
func Date(t time.Time) []byte { return sized(days(t)) }

// DateTime2 is a day and a time, of whatever zone.
func DateTime2(t time.Time) []byte { return sized(append(ticks(t), days(t)...)) }

// DateTimeOffset is a moment, and in which zone.
func DateTimeOffset(t time.Time) []byte {
	_, zone := t.Zone()
	return sized(binary.LittleEndian.AppendUint16(append(ticks(t.UTC()), days(t.UTC())...), uint16(int16(zone/60))))
}

// DateTime is a day since 1900 and a time in three hundredths of a second.
func DateTime(day int32, time uint32) []byte {
	return sized(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(day)), time))
}

// SmallDateTime is a day since 1900 and a minute of it.
func SmallDateTime(day, minute uint16) []byte {
	return sized(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, day), minute))
}

// Short is text or bytes with two bytes that say how long.
func Short(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// Long is text or bytes of any length, in parts.
func Long(b []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(b)))
	for len(b) > 0 {
		n := min(len(b), 5000)
		out, b = append(binary.LittleEndian.AppendUint32(out, uint32(n)), b[:n]...), b[n:]
	}
	return binary.LittleEndian.AppendUint32(out, 0)
}

// Old is text or bytes of the types that were before those of any length.
func Old(b []byte) []byte {
	out := append([]byte{16}, make([]byte, 24)...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
}

// Wide is text in two bytes a letter.
func Wide(text string) []byte { return toUTF16(text) }

// Variant is a value with its type, and what more there is to say of it.
func Variant(typ byte, properties, value []byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, uint32(2+len(properties)+len(value)))
	return append(append(append(out, typ, byte(len(properties))), properties...), value...)
}
