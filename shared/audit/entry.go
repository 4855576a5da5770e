// Package audit keeps an append-only log of who did what, a chain for each tenant:
// every entry holds the hash of the one before. An entry about a change is written in
// the transaction of the change, so neither is there without the other. What was sent
// lies beside the chain, which holds a salted hash of it: it can be erased, and the
// chain still holds. Package api tells what happened; docs/audit.md says what can and
// what cannot be detected.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/tenant"
)

// format is the version of the encoding of entries.
const format = 1

// Outcomes of what no problem's code tells.
const (
	Done  = "done"
	Begun = "begun" // a change outside of the table; another entry tells how it ended
)

// The actions that no route has.
const (
	UseKey           access.Action = "key:use"              // the first of a day
	UseToken         access.Action = "token:use"            // of a person; the first of a day
	SignIn           access.Action = "sign-in"              // of a person, or a failure to
	SignOut          access.Action = "sign-out"             // of a person, by themselves
	ChangePassword   access.Action = "password:change"      // by its owner
	ChangeFactor     access.Action = "second-factor:change" // by its owner
	RefuseCredential access.Action = "credential:refuse"    // #nosec G101 -- the name of an action: a key or a token stands for nobody
	ErasePayloads    access.Action = "audit:erase"          // On names the entries
	RunSchedule      access.Action = "schedule:run"         // a tick, of which nobody asked; On names the schedule
)

// Event is something to be told of. The zero Time is now.
type Event struct {
	Tenant  tenant.ID
	By      string // a principal's id
	Role    access.Role
	Action  access.Action
	Route   string            // a route's id; may be empty
	On      map[string]string // "dataset": "web". Nothing that names a person: it is never erased
	Outcome string            // Done, or the code of a problem
	Times   int               // how often, where more than once
	Payload Payload
}

// Entry is a link of a chain. Its canonical encoding is this struct as encoding/json
// writes it: members in this order, keys of On sorted, no space.
type Entry struct {
	Format  int               `json:"format"`
	Number  uint64            `json:"number" doc:"from 1 on, without a gap"`
	Time    time.Time         `json:"time" doc:"in microseconds; never before that of the entry before"`
	By      string            `json:"by" example:"user:4f8b" doc:"who"`
	Role    access.Role       `json:"role,omitempty"`
	Action  access.Action     `json:"action" example:"dataset:create"`
	Route   string            `json:"route,omitempty" example:"createDataset"`
	On      map[string]string `json:"on,omitempty" doc:"what it was done to"`
	Outcome string            `json:"outcome" example:"done" doc:"done, or the code of the problem"`
	Times   int               `json:"times,omitempty" doc:"how often, since a like entry; absent: once"`
	Missed  int               `json:"missed,omitempty" doc:"entries about reads and refusals that could not be written before this one"`
	Payload string            `json:"payload" doc:"SHA-256 of the salt and the text of what was sent"`
	Before  string            `json:"before,omitempty" doc:"hash of the entry before; absent in the first"`
}

// Hash is the SHA-256 of an entry's canonical encoding, in hexadecimal.
type Hash string

func hashOf(encoded []byte) Hash {
	sum := sha256.Sum256(encoded)
	return Hash(hex.EncodeToString(sum[:]))
}

func (e Entry) encode() []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

// decode reads an entry that must be in its canonical encoding.
func decode(encoded []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(encoded, &e); err != nil {
		return Entry{}, fmt.Errorf("is no entry: %w", err)
	}
	if e.Format > format {
		return Entry{}, fmt.Errorf("has format %d, which is newer than this program", e.Format)
	}
	if !bytes.Equal(e.encode(), encoded) {
		return Entry{}, fmt.Errorf("is not in its canonical encoding")
	}
	return e, nil
}
