package suppression

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Hash is the keyed hash of a subject: HMAC-SHA256 (RFC 2104) under the tenant's salt.
type Hash [sha256.Size]byte

// String writes the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String wrote.
func ParseHash(text string) (h Hash, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return h, fault.New(fault.Invalid, "bad_hash", "%.80q is no keyed hash", text)
	}
	copy(h[:], raw)
	return h, nil
}

// Salt is a tenant's secret. Who does not have it can compute none of the hashes.
type Salt []byte

// Hasher computes hashes, for one goroutine at a time.
type Hasher struct{ mac hash.Hash }

// Hasher returns a Hasher under the salt.
func (s Salt) Hasher() *Hasher { return &Hasher{hmac.New(sha256.New, s)} }

// What is hashed begins with a word that says what it is, so that the hash of an id is
// never that of a subject.
const (
	ofSubject = "subject\x00"
	ofEvent   = "event\x00"
)

// Subject hashes a user's or an anonymous id.
func (h *Hasher) Subject(id string) (sum Hash) {
	h.mac.Reset()
	h.mac.Write([]byte(ofSubject))
	h.mac.Write([]byte(id))
	h.mac.Sum(sum[:0])
	return sum
}

// eventBytes of a hash are as good as all: 128 bits.
const eventBytes = 16

// Event hashes the id of an event of a dataset. It is text, to stand where the id
// would.
func (h *Hasher) Event(d dataset.ID, id string) string {
	h.mac.Reset()
	h.mac.Write([]byte(ofEvent))
	h.mac.Write([]byte(d))
	h.mac.Write([]byte{0})
	h.mac.Write([]byte(id))
	var sum [sha256.Size]byte
	return hex.EncodeToString(h.mac.Sum(sum[:0])[:eventBytes])
}
