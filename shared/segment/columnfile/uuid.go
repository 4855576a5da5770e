package columnfile

import "encoding/hex"

// nibble is the value of a lower-case hexadecimal digit, or 0xff.
var nibble = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		table[c] = byte(i)
	}
	return table
}()

// pairs are the places of the 16 bytes in a UUID's text.
var pairs = [16]byte{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// ParseUUID returns the bytes of a canonical lower-case UUID. Any other text, though
// it may be the same UUID to people, is not one: it would not come back as it was.
func ParseUUID[T string | []byte](text T) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	bad := byte(0)
	for i, at := range pairs {
		high, low := nibble[text[at]], nibble[text[at+1]]
		bad |= high | low
		id[i] = high<<4 | low
	}
	return id, bad < 0x10
}

// appendUUID appends the canonical text of a UUID.
func appendUUID(dst, id []byte) []byte {
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		begin := [...]int{0, 4, 6, 8, 10}[i]
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[begin:end])
	}
	return dst
}
