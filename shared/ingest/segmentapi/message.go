package segmentapi

import (
	"fmt"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// message is where the values of a message stand.
type message struct {
	r     *scan.Reader
	ev    *events.Event
	known [fields]int // place of the value of a known key, plus 1; 0: it is missing
	other []member    // keys that are no field of a message, kept as properties
	lent  int         // bytes of the context that the message has of its batch

	corrected bool // the event time is not what the sender said
}

type member struct {
	key string
	at  int
}

// field is a known key of a message.
type field uint8

const (
	fieldType field = iota
	fieldMessageID
	fieldEvent
	fieldUserID
	fieldAnonymousID
	fieldTimestamp
	fieldOriginalTimestamp
	fieldSentAt
	fieldProperties
	fieldTraits
	fieldContext
	fieldGroupID
	fieldPreviousID
	fieldUseless // says how the message travels, not what happened
	fields
)

var keys = [fields]string{
	fieldType: "type", fieldMessageID: "messageId", fieldEvent: "event", fieldUserID: "userId", fieldAnonymousID: "anonymousId",
	fieldTimestamp: "timestamp", fieldOriginalTimestamp: "originalTimestamp", fieldSentAt: "sentAt", fieldProperties: "properties",
	fieldTraits: "traits", fieldContext: "context", fieldGroupID: "groupId", fieldPreviousID: "previousId",
}

func fieldOf(key string) (field, bool) {
	switch key {
	case "integrations", "_metadata", "writeKey", "receivedAt":
		return fieldUseless, true
	}
	for f, k := range keys[:fieldUseless] {
		if k == key {
			return field(f), true // #nosec G115 -- a dozen fields
		}
	}
	return 0, false
}

// taken says which fields a call has a place for. Of another call they are
// properties like any unknown key: nothing that was sent is dropped.
var taken = map[Call][]field{
	Track:    {fieldEvent, fieldProperties},
	Identify: {fieldTraits},
	Page:     {fieldProperties},
	Screen:   {fieldProperties},
	Group:    {fieldTraits, fieldGroupID},
	Alias:    {fieldPreviousID},
}

// optional are the fields that need a call that takes them.
var optional = [...]field{fieldEvent, fieldProperties, fieldTraits, fieldGroupID, fieldPreviousID}

var none events.Refusal

// read reads the message at Pos of r into ev.
func (m *message) read(ev *events.Event, around frame) events.Refusal {
	m.ev, m.lent, m.known, m.other = ev, 0, [fields]int{}, m.other[:0]
	start := m.r.Pos
	if where, f := m.r.Members(m.note); f != scan.None {
		return f.Refusal(where)
	}
	if m.known[fieldContext] == 0 && around.context != (span{}) {
		m.lent = around.context.end - around.context.start
		m.known[fieldContext] = around.context.start + 1
	}
	if refusal := scan.CheckEvent(m.r.Pos - start + m.lent); refusal != none {
		return refusal
	}
	call := around.call
	if call == "" {
		var refusal events.Refusal
		if call, refusal = m.call(); refusal != none {
			return refusal
		}
	}
	m.give(call)
	for _, step := range [...]func(Call, frame) events.Refusal{m.name, m.ids, m.time, m.properties} {
		if refusal := step(call, around); refusal != none {
			return refusal
		}
	}
	return none
}

// note remembers the place of a value, and moves past it.
func (m *message) note(key string) scan.Flaw {
	if field, ok := fieldOf(key); ok {
		if m.known[field] != 0 && field != fieldUseless {
			return scan.Duplicate
		}
		m.known[field] = m.r.Pos + 1
		return m.r.Pass()
	}
	for _, o := range m.other {
		if o.key == key {
			return scan.Duplicate
		}
	}
	if len(m.other) == events.MaxProperties {
		return scan.TooMany
	}
	m.other = append(m.other, member{key, m.r.Pos})
	return m.r.Pass()
}

// give turns the fields that a call has no place for into properties.
func (m *message) give(call Call) {
next:
	for _, f := range optional {
		for _, t := range taken[call] {
			if t == f {
				continue next
			}
		}
		if m.known[f] != 0 {
			m.other = append(m.other, member{keys[f], m.known[f] - 1})
			m.known[f] = 0
		}
	}
}

// at moves to the value of a field that is there and not null.
func (m *message) at(f field) bool {
	if m.known[f] == 0 {
		return false
	}
	m.r.Pos = m.known[f] - 1
	return !m.r.Null()
}

func (m *message) call() (Call, events.Refusal) {
	if !m.at(fieldType) {
		return "", events.Refusal{Code: "no_type", Reason: "a message of a batch needs a \"type\""}
	}
	text, f := m.r.OptionalText(64)
	if f != scan.None {
		return "", f.Refusal("type")
	}
	if _, ok := taken[Call(text)]; !ok {
		return "", events.Refusal{Code: "unknown_type", Reason: fmt.Sprintf("%q is no type of a message", text)}
	}
	return Call(text), none
}

// name names the event: that of a track call as it says, any other as its call. The
// name of a page or screen is a property of it.
func (m *message) name(call Call, _ frame) events.Refusal {
	if call != Track {
		m.ev.Name = string(call)
		return none
	}
	if m.at(fieldEvent) {
		text, f := m.r.OptionalText(events.MaxName)
		if f != scan.None {
			return f.Refusal("event")
		}
		m.ev.Name = text
	}
	if m.ev.Name == "" {
		return events.Refusal{Code: "no_event_name", Reason: "a track call needs an \"event\""}
	}
	return none
}

func (m *message) ids(Call, frame) events.Refusal {
	for _, id := range [...]struct {
		into *string
		from field
	}{{&m.ev.ID, fieldMessageID}, {&m.ev.UserID, fieldUserID}, {&m.ev.AnonymousID, fieldAnonymousID}} {
		if !m.at(id.from) {
			continue
		}
		var f scan.Flaw
		if *id.into, f = m.r.ID(events.MaxID); f != scan.None {
			return f.Refusal(keys[id.from])
		}
	}
	if m.at(fieldContext) && m.r.Lookup(m.r.Pos, "sessionId") && !m.r.Null() {
		var f scan.Flaw
		if m.ev.SessionID, f = m.r.ID(events.MaxID); f != scan.None {
			return f.Refusal("context: sessionId")
		}
	}
	return none
}
