// #nosec G115 -- a payload is of at most a record's size; times keep their bits, both ways

package eventlog

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/tarnhq/tarn/shared/stream"
)

// A frame is a header of 40 bytes and a payload, all numbers little-endian:
//
//	 0  length of the payload, 4 bytes
//	 4  checksum of the payload and then of the header, 4 bytes
//	 8  sequence, 8 bytes
//	16  hash, 8 bytes
//	24  arrival in milliseconds of the Unix epoch, 8 bytes
//	32  shard, 4 bytes
//	36  kind, 1 byte, and 3 bytes of zero
//
// In the checksum (CRC-32C) the file's salt stands in place of the checksum, so
// that no payload can contain what passes for a frame of its file.
type frame struct {
	kind     kind
	sequence uint64
	hash     stream.Hash
	arrived  int64
	shard    uint32
	payload  []byte
}

type kind byte

const (
	kindRecord kind = 1
	// kindMark ends each write. Its sequence tells through which record the log was
	// synced when the write began.
	kindMark kind = 2
	// kindLayout holds the shards as JSON. They are so from the next record on.
	kindLayout kind = 3
)

const (
	headerSize = 40
	maxPayload = 8 << 20 // more than any record or layout
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func payloadSum(payload []byte) uint32 { return crc32.Update(0, castagnoli, payload) }

// appendFrame encodes f at the end of b. sum is the checksum of its payload, which
// callers compute before they take a lock.
func appendFrame(b []byte, f frame, sum, salt uint32) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.payload)))
	b = binary.LittleEndian.AppendUint32(b, salt)
	b = binary.LittleEndian.AppendUint64(b, f.sequence)
	b = binary.LittleEndian.AppendUint64(b, uint64(f.hash))
	b = binary.LittleEndian.AppendUint64(b, uint64(f.arrived))
	b = binary.LittleEndian.AppendUint32(b, f.shard)
	b = append(b, byte(f.kind), 0, 0, 0)
	header := b[start:]
	binary.LittleEndian.PutUint32(header[4:], crc32.Update(sum, castagnoli, header))
	return append(b, f.payload...)
}

// parseFrame decodes the frame at the start of b, of which it is a view. A size of
// zero means that there is no whole and valid frame.
func parseFrame(b []byte, salt uint32) (f frame, size int) {
	f, size = peekFrame(b)
	if size == 0 || f.kind < kindRecord || f.kind > kindLayout {
		return frame{}, 0
	}
	var header [headerSize]byte
	copy(header[:], b)
	binary.LittleEndian.PutUint32(header[4:], salt)
	if crc32.Update(payloadSum(f.payload), castagnoli, header[:]) != binary.LittleEndian.Uint32(b[4:]) {
		return frame{}, 0
	}
	return f, size
}

// peekFrame is parseFrame for bytes whose checksum is known to be right.
func peekFrame(b []byte) (f frame, size int) {
	if len(b) < headerSize {
		return frame{}, 0
	}
	length := binary.LittleEndian.Uint32(b)
	if length > maxPayload || int(length) > len(b)-headerSize {
		return frame{}, 0
	}
	size = headerSize + int(length)
	return frame{
		kind:     kind(b[36]),
		sequence: binary.LittleEndian.Uint64(b[8:]),
		hash:     stream.Hash(binary.LittleEndian.Uint64(b[16:])),
		arrived:  int64(binary.LittleEndian.Uint64(b[24:])),
		shard:    binary.LittleEndian.Uint32(b[32:]),
		payload:  b[headerSize:size:size],
	}, size
}

// vouched reports whether b holds, anywhere, a mark that was written after the
// record at least was synced.
func vouched(b []byte, salt uint32, least uint64) bool {
	for ; len(b) >= headerSize; b = b[1:] {
		if kind(b[36]) != kindMark || binary.LittleEndian.Uint32(b) != 0 {
			continue
		}
		if f, size := parseFrame(b, salt); size > 0 && f.sequence >= least {
			return true
		}
	}
	return false
}
