// Package fieldrule knows what the owner of a dataset wants done to fields of events
// before anything is stored of them: drop one, hash it under a salt of the tenant, or cut
// the address in it. A rule holds wherever the field may stand: among an event's ids and
// properties, within JSON, and in the text of an event that is refused. To apply rules to
// what they were applied to changes nothing, so that events may be sent again out of
// quarantine. docs/privacy.md says what is treated how.
package fieldrule

import (
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/fault"
)

// Treatment is what is done to a value.
type Treatment string

// The treatments. Null is nothing that could be hashed, and stays.
const (
	Drop       Treatment = "drop"        // the value goes, and its name with it
	Hash       Treatment = "hash"        // see Salt.Hash; of objects and arrays, their compact JSON
	TruncateIP Treatment = "truncate_ip" // see truncate; what is no address is dropped
)

// Rule says what is done to a field of every event of a dataset.
type Rule struct {
	Field string    `json:"field" minLength:"1" maxLength:"512" doc:"user_id, anonymous_id, session_id, a property, or a path into one: names joined by dots, through arrays" example:"context.ip"`
	Treat Treatment `json:"treat" enum:"drop,hash,truncate_ip" doc:"ids can only be hashed; hash needs no key of yours, and is the same in all datasets; truncate_ip keeps 24 bits of IPv4 and 48 of IPv6 addresses, and drops what is no address"`
}

// MaxRules bounds the rules of a dataset.
const MaxRules = 50

const maxField = 512 // bytes

// ids are the fields by which people are counted: they can be hashed and not dropped.
var ids = map[string]bool{"user_id": true, "anonymous_id": true, "session_id": true}

// needed are the fields that no rule may touch: retries are recognized and events found
// by them.
var needed = map[string]bool{"event_id": true, "event": true, "time": true, "received_at": true, "properties": true}

// Check returns fault.Invalid unless rules may be those of a dataset.
func Check(rules []Rule) error {
	if len(rules) > MaxRules {
		return fault.New(fault.Invalid, "too_many_field_rules", "a dataset has at most %d rules for fields", MaxRules)
	}
	seen := map[string]bool{}
	for _, r := range rules {
		if err := r.check(); err != nil {
			return err
		}
		if seen[r.Field] {
			return fault.New(fault.Invalid, "field_rule_twice", "there are two rules for the field %q", r.Field).WithHint("keep one of them")
		}
		seen[r.Field] = true
	}
	return nil
}

func (r Rule) check() error {
	switch {
	case r.Field == "" || len(r.Field) > maxField || !utf8.ValidString(r.Field) || strings.ContainsRune(r.Field, 0):
		return fault.New(fault.Invalid, "bad_field", "a field has 1 to %d bytes of UTF-8, none of them zero", maxField).
			WithHint("name a property, or a path into one: context.ip")
	case needed[r.Field]:
		return fault.New(fault.Invalid, "bad_field", "%q is needed as it is", r.Field).
			WithHint("a rule is for user_id, anonymous_id, session_id or a property")
	case r.Treat != Drop && r.Treat != Hash && r.Treat != TruncateIP:
		return fault.New(fault.Invalid, "bad_treatment", "%.40q is nothing that can be done to a field", string(r.Treat)).
			WithHint("use drop, hash or truncate_ip")
	case ids[r.Field] && r.Treat != Hash:
		return fault.New(fault.Invalid, "bad_treatment", "%q can only be hashed, or people could not be counted", r.Field).
			WithHint(`use {"field": %q, "treat": "hash"}, or do not send it`, r.Field)
	}
	return nil
}

// otherNames are what senders of Segment's API call the same.
var otherNames = map[string][]string{
	"user_id":      {"userId"},
	"anonymous_id": {"anonymousId"},
	"session_id":   {"sessionId", "context.sessionId"},
	"group_id":     {"groupId"},
	"previous_id":  {"previousId"},
}

// paths lists where a field may stand among the properties of an event: under its names;
// under a longer one where a Segment message says it twice; and within the properties or
// traits of a message whose call has no place for them.
func (r Rule) paths() (all []string) {
	for _, name := range append([]string{r.Field}, otherNames[r.Field]...) {
		all = append(all, name, "message_"+name, "properties."+name, "traits."+name)
	}
	return all
}
