package events

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// The layout of versions 1 and 2. Numbers are varints unless a width is given, signed ones
// zigzag; a text is its length and its bytes.
//
//	version   1 byte
//	header    1 byte: hasAccount; hasEnrichment, always of version 2 and never of 1
//	events    4 bytes, little endian; values  4 bytes, those of all events together
//	tenant, dataset: texts; bucket; producer: 8 bytes; first; arrived: signed
//	account   8 bytes, if hasAccount
//	enrichment, if hasEnrichment
//	each event:
//	  flags   1 byte
//	  id      text
//	  name    reference, or 0 and a text
//	  time    signed, less arrived
//	  userID, anonymousID, sessionID: texts, each if its flag is set
//	  shape   reference, or 0 and a number of names and the names; only if hasShape
//	  values  one for each name
//	  code, reason, raw: texts, if refused
//	  step    of version 2, if dropped
//
// What is written after a 0 gets the next number, from 1, and is referred to by it
// from then on: names and property names are written once a record.
const (
	hasAccount = 1 << iota
	hasEnrichment
)

const (
	madeID = 1 << iota
	madeTime
	hasUser
	hasAnonymous
	hasSession
	hasShape
	refused
	dropped
)

// Tags of values. From smallInt on the tag holds a number, from shortText on a
// length, because most numbers and texts are small.
const (
	tagNull = iota
	tagFalse
	tagTrue
	tagInt
	tagFloat
	tagText
	tagJSON
	tagBig
	smallInt  = 8
	shortText = 64
)

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// cursor reads the layout. After the first thing that cannot be read it is broken
// and returns zeros, so that callers check once.
type cursor struct {
	data   []byte
	broken bool
}

func (c *cursor) fail() { c.broken, c.data = true, nil }

func (c *cursor) byte() byte {
	if len(c.data) == 0 {
		c.fail()
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return b
}

// uvarint accepts the shortest form of a number only: equal shapes then have equal
// bytes, which is what they are found by.
func (c *cursor) uvarint() uint64 {
	if len(c.data) > 0 && c.data[0] < 0x80 {
		v := c.data[0]
		c.data = c.data[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.data)
	if n <= 0 || n != max(1, (bits.Len64(v)+6)/7) {
		c.fail()
		return 0
	}
	c.data = c.data[n:]
	return v
}

// bounded reads a number of at most limit.
func (c *cursor) bounded(limit uint64) uint64 {
	v := c.uvarint()
	if v > limit {
		c.fail()
		return 0
	}
	return v
}

func (c *cursor) varint() int64 {
	u := c.uvarint()
	return int64(u>>1) ^ -int64(u&1) // #nosec G115 -- zigzag: the bits are meant
}

func (c *cursor) fixed32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) fixed64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.data)) {
		c.fail()
		return nil
	}
	b := c.data[:n:n]
	c.data = c.data[n:]
	return b
}

// text shares memory with the data.
func (c *cursor) text() string { return share(c.bytes(c.uvarint())) }

func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } // #nosec G103 -- the bytes are never written again
