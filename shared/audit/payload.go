package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/table"
)

// MaxBody is how much of a request's body is kept, in bytes: every SQL text.
const MaxBody = 128 << 10

// maxPayload is how long the text of a payload may be, in bytes.
const maxPayload = 256 << 10

// Payload is what an entry says that may name a person, and that can be erased.
type Payload struct {
	Request json.RawMessage `json:"request,omitempty"` // the body without secrets, if it is JSON of at most MaxBody
	Bytes   int64           `json:"bytes,omitempty"`   // of a body that is not kept
	Query   string          `json:"query,omitempty"`
	Writes  []string        `json:"writes,omitempty"` // the items that the change wrote
	From    string          `json:"from,omitempty"`   // the network that an attempt came from
	Email   string          `json:"email,omitempty"`  // of the account that is concerned
}

// Body returns what is kept of a request's body of so many bytes, of which text is the
// beginning.
func Body(text []byte, size int64) Payload {
	if size == 0 {
		return Payload{}
	}
	if size <= MaxBody {
		if kept, ok := withoutSecrets(text); ok {
			return Payload{Request: kept}
		}
	}
	return Payload{Bytes: size}
}

// secrets are parts of the names of members whose values are not kept.
var secrets = []string{"password", "secret", "token", "dsn", "credential", "private_key", "api_key", "authorization"}

// withoutSecrets replaces the values of members that are secret by their names.
func withoutSecrets(text []byte) (json.RawMessage, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || decoder.More() {
		return nil, false
	}
	return plain(conceal(value)), true
}

// plain encodes as JSON that is no longer than what was sent: without escapes for HTML.
func plain(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // plain data
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// encode returns the text of a payload, without a request that would not fit an item.
func (p Payload) encode() []byte {
	text := plain(p)
	if len(text) <= maxPayload {
		return text
	}
	p.Bytes, p.Request = int64(len(p.Request)), nil
	return plain(p)
}

// maxWrites is how many of a change's items are named.
const maxWrites = 20

// with names what a change writes.
func (p Payload) with(writes []table.Write) Payload {
	for i, w := range writes {
		if i == maxWrites {
			p.Writes = append(p.Writes, fmt.Sprintf("and %d more", len(writes)-i))
			break
		}
		if verb := verbs[w.Verb]; verb != "" {
			p.Writes = append(p.Writes, verb+" "+w.Item.Key.Partition+" "+w.Item.Key.Sort)
		}
	}
	return p
}

var verbs = map[table.Verb]string{table.VerbPut: "put", table.VerbDelete: "delete", table.VerbAdd: "add"}

func conceal(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if isSecret(name) {
				v[name] = "concealed"
			} else {
				v[name] = conceal(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = conceal(v[i])
		}
	}
	return value
}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range secrets {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// commitment hashes a payload so that nobody who does not have the salt, which is erased
// with it, can try what it was.
func commitment(salt string, payload []byte) string {
	sum := sha256.Sum256(append([]byte(salt), payload...))
	return hex.EncodeToString(sum[:])
}
