package posthog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// message is where the values of an event stand.
type message struct {
	r       *scan.Reader
	arrived int64
	sent    int64  // by the sender's clock; zero: unknown
	key     string // the write key, which is not kept
	library string
	version string
	lent    int // bytes that the event has of the request's header

	ev    *events.Event
	known [fields]int // place of the value of a known member, plus 1; 0: it is missing
	other []member    // members that become properties
	told  map[*events.Shape]*places
}

type member struct {
	name string
	at   int
}

// field is a known member of an event.
type field uint8

const (
	fieldName field = iota
	fieldID
	fieldDistinctID
	fieldTimestamp
	fieldOffset
	fieldSessionID
	fieldProperties
	fieldOptions
	fieldUseless // says how the event travels, not what happened
	fields
)

var keys = [fields]string{
	fieldName: "event", fieldID: "uuid", fieldDistinctID: "distinct_id", fieldTimestamp: "timestamp", fieldOffset: "offset",
	fieldSessionID: "session_id", fieldProperties: "properties", fieldOptions: "options",
}

func fieldOf(key string) (field, bool) {
	switch key {
	case "api_key", "token", "sent_at":
		return fieldUseless, true
	}
	for f, k := range keys[:fieldUseless] {
		if k == key {
			return field(f), true // #nosec G115 -- a dozen fields
		}
	}
	return 0, false
}

var none events.Refusal

func (m *message) begin(r *scan.Reader, req Request, key string) {
	m.r, m.arrived, m.sent, m.key = r, req.Arrived, req.Sent, key
	m.library, m.version, _ = strings.Cut(strings.ToValidUTF8(req.Library, "\uFFFD"), "/")
	if m.told == nil || len(m.told) > maxKept {
		m.told = map[*events.Shape]*places{}
	}
}

// read reads the event at Pos of r into ev.
func (m *message) read(ev *events.Event) events.Refusal {
	m.ev, m.lent = ev, 0
	start := m.r.Pos
	if refusal := m.find(); refusal != none {
		return refusal
	}
	if size := m.r.Pos - start + len(m.library) + len(m.version); size > events.MaxEvent {
		return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the event has %d bytes, and %d are allowed", size, events.MaxEvent)}
	}
	for _, step := range [...]func() events.Refusal{m.ids, m.properties, m.time, m.people} {
		if refusal := step(); refusal != none {
			return refusal
		}
	}
	return none
}

// find notes where the members are.
func (m *message) find() events.Refusal {
	m.known, m.other = [fields]int{}, m.other[:0]
	if !m.r.Next('{') {
		return events.Refusal{Code: "not_an_object", Reason: "an event is a JSON object"}
	}
	for first := true; ; first = false {
		more, f := m.r.Member(first)
		if f != scan.None {
			return f.Refusal("")
		}
		if !more {
			return none
		}
		key, f := m.r.Key()
		if f != scan.None {
			return f.Refusal("")
		}
		if f = m.note(key); f == scan.None {
			f = m.r.Pass()
		}
		if f != scan.None {
			return f.Refusal(scan.Clip(key, 64))
		}
	}
}

func (m *message) note(key string) scan.Flaw {
	if f, ok := fieldOf(key); ok {
		if m.known[f] != 0 && f != fieldUseless {
			return scan.Duplicate
		}
		m.known[f] = m.r.Pos + 1
		return scan.None
	}
	if len(m.other) == events.MaxProperties {
		return scan.TooMany
	}
	m.other = append(m.other, member{key, m.r.Pos})
	return scan.None
}

// at moves to the value of a field that is there and not null.
func (m *message) at(f field) bool {
	if m.known[f] == 0 {
		return false
	}
	m.r.Pos = m.known[f] - 1
	return !m.r.Null()
}

func (m *message) ids() events.Refusal {
	for _, t := range [...]struct {
		into *string
		from field
	}{{&m.ev.Name, fieldName}, {&m.ev.ID, fieldID}, {&m.ev.SessionID, fieldSessionID}} {
		if !m.at(t.from) {
			continue
		}
		var f scan.Flaw
		if *t.into, f = m.r.OptionalText(events.MaxName); f != scan.None {
			return f.Refusal(keys[t.from])
		}
	}
	if m.ev.Name == "" {
		return events.Refusal{Code: "no_event_name", Reason: "an event needs \"event\""}
	}
	if m.at(fieldDistinctID) {
		var v events.Value
		f := m.r.Value(&v, 1)
		if f == scan.None {
			m.ev.UserID, f = subject(v)
		}
		if f != scan.None {
			return f.Refusal(keys[fieldDistinctID])
		}
	}
	return none
}

// subject returns an id of somebody, or of a session. Whole numbers are their digits.
func subject(v events.Value) (string, scan.Flaw) {
	var id string
	switch v.Kind {
	case events.Null:
	case events.Text, events.Big:
		id = v.Text
	case events.Int:
		id = strconv.FormatInt(v.Int, 10)
	default:
		return "", scan.WrongType
	}
	if len(id) > events.MaxSubject {
		return "", scan.TooLong
	}
	return id, scan.None
}
