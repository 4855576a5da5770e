package events

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A sealed record begins with a byte that says how its envelope is stored.
const (
	storedPlain = 'p'
	storedZstd  = 'z'
)

// maxOpened bounds what a record may grow to when opened.
const maxOpened = 2 << 20

// Seal appends payload to dst as a record, compressed if that makes it smaller. It
// is for streams that cost by size; SealPlain is for the others.
func Seal(dst, payload []byte) []byte {
	start := len(dst)
	enc := encoders.Get().(*zstd.Encoder)
	dst = enc.EncodeAll(payload, append(dst, storedZstd))
	encoders.Put(enc)
	if len(dst)-start <= len(payload) {
		return dst
	}
	return SealPlain(dst[:start], payload)
}

// SealPlain appends payload to dst as a record, as it is.
func SealPlain(dst, payload []byte) []byte {
	return append(append(dst, storedPlain), payload...)
}

// Open returns the payload of a record. It shares memory with the record if that
// was stored plain.
func Open(record []byte) ([]byte, error) {
	if len(record) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	switch record[0] {
	case storedPlain:
		return record[1:], nil
	case storedZstd:
		dec := decoders.Get().(*zstd.Decoder)
		defer decoders.Put(dec)
		payload, err := dec.DecodeAll(record[1:], nil)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return payload, nil
	default:
		return nil, fmt.Errorf("%w: it is sealed in the way %#x", ErrVersion, record[0])
	}
}

var encoders = sync.Pool{New: func() any {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // only a wrong option of ours
	}
	return enc
}}

var decoders = sync.Pool{New: func() any {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxOpened))
	if err != nil {
		panic(err) // only a wrong option of ours
	}
	return dec
}}

// Record opens a record and decodes its envelope; see Open and Decode.
func (d *Decoder) Record(record []byte) (*Envelope, error) {
	payload, err := Open(record)
	if err != nil {
		return nil, err
	}
	return d.Decode(payload)
}
