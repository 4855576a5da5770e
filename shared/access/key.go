package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// KeySpec is what a new key is to be.
type KeySpec struct {
	Name    string       `json:"name" maxLength:"100" example:"shop web site" doc:"for people, to tell keys apart"`
	Role    Role         `json:"role" enum:"owner,admin,editor,analyst,viewer,producer"`
	Dataset dataset.Name `json:"dataset,omitempty" doc:"the only dataset the key may touch; empty: any"`
	Expires time.Time    `json:"expires,omitzero" doc:"absent: never"`
	Groups  []string     `json:"groups,omitempty" maxItems:"20" doc:"that rules about rows and columns name"`
	Scopes  []Action     `json:"scopes,omitempty" maxItems:"40" doc:"the only actions the key may do, of those its role may; absent: all of them. GET /v1/me lists a role's" example:"[\"query:run\"]"`

	Attributes map[string][]string `json:"attributes,omitempty" doc:"that row filters name: {\"country\": [\"CH\"]}"`
}

const (
	maxGroups     = 20
	maxAttributes = 2 << 10 // bytes, with the groups: an authorizer carries them
)

func (s KeySpec) check(now time.Time) error {
	if name := strings.TrimSpace(s.Name); name == "" || len(s.Name) > 100 {
		return fault.New(fault.Invalid, "bad_key_name", "a key needs a name of 1 to 100 bytes")
	}
	if !s.Role.Known() {
		return fault.New(fault.Invalid, "bad_role", "%.40q is not a role", string(s.Role)).
			WithHint("one of %v", roles)
	}
	if err := CheckSeen(s.Groups, s.Attributes); err != nil {
		return err
	}
	for _, scope := range s.Scopes {
		if !slices.Contains(s.Role.Actions(), scope) {
			return fault.New(fault.Invalid, "bad_scope", "%.40q is no action of role %q", string(scope), s.Role).
				WithHint("one of %v", s.Role.Actions())
		}
	}
	if s.Dataset != "" {
		if err := s.Dataset.Check(); err != nil {
			return err
		}
	}
	if !s.Expires.IsZero() && !s.Expires.After(now) {
		return fault.New(fault.Invalid, "bad_expiry", "the key would have expired already")
	}
	return nil
}

// CheckSeen returns fault.Invalid for groups and attributes that are too many.
func CheckSeen(groups []string, attributes map[string][]string) error {
	text, _ := json.Marshal(seen{groups, attributes}) // texts alone
	if len(groups) > maxGroups || len(text) > maxAttributes {
		return fault.New(fault.Invalid, "bad_attributes", "there are at most %d groups, and with the attributes they take at most %d bytes", maxGroups, maxAttributes)
	}
	return nil
}

// Key is what is known of an API key after its secret was shown.
type Key struct {
	ID string `json:"id"`
	KeySpec
	Created  time.Time `json:"created"`
	Revoked  time.Time `json:"revoked,omitzero"`
	Rotated  time.Time `json:"rotated,omitzero" doc:"when it got its present secret; absent: when it was made"`
	OldUntil time.Time `json:"old_until,omitzero" doc:"until when the secret before is good too"`
	LastUsed time.Time `json:"last_used,omitzero" doc:"the hour in which it was used last; absent: never"`
}

// keyPrefix begins the id of a principal that is a key.
const keyPrefix = "key:"

// storedKey is the row of a key. The secret has 256 bits of entropy, so a plain
// hash of it cannot be searched.
type storedKey struct {
	Key
	Tenant   tenant.ID `json:"tenant"`
	Hash     []byte    `json:"hash"`
	OldHash  []byte    `json:"old_hash,omitempty"` // of the secret before the present one
	Revision int       `json:"revision,omitempty"` // goes up with every change
}

// has reports whether the secret is the key's, at a time.
func (k storedKey) has(secret string, now time.Time) bool {
	hash := hashSecret(secret)
	present := subtle.ConstantTimeCompare(k.Hash, hash) == 1
	before := subtle.ConstantTimeCompare(k.OldHash, hash) == 1
	return present || before && now.Before(k.OldUntil)
}

func (k storedKey) principal() Principal {
	return Principal{Tenant: k.Tenant, ID: keyPrefix + k.ID, Role: k.Role, Dataset: k.Dataset, Expires: k.Expires, Groups: k.Groups, Attributes: k.Attributes, Scopes: k.Scopes}
}

// A secret is "tarn_", the id of its key, "_", 32 random bytes and the CRC-32 of
// all that, in lower-case hex. Scanners find it by tarn_[0-9a-f]{16}_[0-9a-f]{72},
// and a mistyped one is refused without a read.
const (
	secretPrefix = "tarn_"
	idLength     = 16
	randomBytes  = 32
	secretLength = len(secretPrefix) + idLength + len("_") + 2*randomBytes + 2*crc32.Size
)

func formatSecret(id string, random []byte) string {
	body := secretPrefix + id + "_" + hex.EncodeToString(random)
	return body + checksum(body)
}

// parseSecret returns the id of the key that the secret claims to be.
func parseSecret(secret string) (id string, ok bool) {
	if len(secret) != secretLength || !strings.HasPrefix(secret, secretPrefix) {
		return "", false
	}
	body, sum := secret[:secretLength-2*crc32.Size], secret[secretLength-2*crc32.Size:]
	id, random := body[len(secretPrefix):][:idLength], body[len(secretPrefix)+idLength:]
	if random[0] != '_' || !lowerHex(id) || !lowerHex(random[1:]) {
		return "", false
	}
	return id, sum == checksum(body)
}

func checksum(body string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body)))
}

func lowerHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
