package segment

import (
	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/bloom"

	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// ID is an event id, hashed once to be looked up in many segments.
type ID struct {
	text     string
	textHash uint64
	parsed   bool // the rest is known
	isUUID   bool // canonical and in lower case, as segments with short ids hold it
	uuid     [16]byte
	uuidHash uint64
}

// NewID hashes an event id.
func NewID(text string) ID { return ID{text: text, textHash: xxhash.Sum64String(text)} }

// Text is the id itself.
func (id *ID) Text() string { return id.text }

// Hash is the id's 64-bit xxHash.
func (id *ID) Hash() uint64 { return id.textHash }

// parse finds out whether the id is a UUID: most ids are known to be new before
// anybody has to know.
func (id *ID) parse() {
	id.parsed = true
	if id.uuid, id.isUUID = columnfile.ParseUUID(id.text); id.isUUID {
		id.uuidHash = bloom.XXH64{}.Sum64Uint128(id.uuid)
	}
}

// hashOf is the hash that hash returns for an id that a segment holds.
func hashOf(text []byte, short bool) uint64 {
	if short {
		uuid, _ := columnfile.ParseUUID(text) // or the segment would not hold it so
		return bloom.XXH64{}.Sum64Uint128(uuid)
	}
	return xxhash.Sum64(text)
}

// hash is the one to ask the filters of a segment for. It is not ok if the segment
// cannot hold the id.
func (id *ID) hash(short bool) (hash uint64, ok bool) {
	if short {
		if !id.parsed {
			id.parse()
		}
		return id.uuidHash, id.isUUID
	}
	return id.textHash, true
}

// value is the id as a segment's set holds it.
func (id *ID) value(short bool) []byte {
	if short {
		return id.uuid[:]
	}
	return []byte(id.text)
}
