// #nosec G115 -- a size is held against the bytes that are left before it is used

package query

import (
	"encoding/binary"
	"fmt"
)

// AppendBinary appends v as DecodeValue reads it: its kind, then its bits or its text.
// It is for processes of one release, not for what outlives them.
func (v Value) AppendBinary(b []byte) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case kindNull:
		return b
	case kindText, kindBig:
		return append(binary.AppendUvarint(b, uint64(len(v.text))), v.text...)
	}
	return binary.LittleEndian.AppendUint64(b, v.bits)
}

// DecodeValue reads a value and returns the bytes after it.
func DecodeValue(b []byte) (v Value, rest []byte, err error) {
	if len(b) == 0 || b[0] > byte(kindText) {
		return Value{}, nil, errBinary
	}
	v.kind, b = kind(b[0]), b[1:]
	switch v.kind {
	case kindNull:
		return v, b, nil
	case kindText, kindBig:
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Value{}, nil, errBinary
		}
		v.text = string(b[n : n+int(size)])
		return v, b[n+int(size):], nil
	}
	if len(b) < 8 {
		return Value{}, nil, errBinary
	}
	v.bits = binary.LittleEndian.Uint64(b)
	return v, b[8:], nil
}

var errBinary = fmt.Errorf("these bytes are no value")
