package posthog

import (
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

// maxShapes bounds the shapes whose places are remembered.
const maxShapes = 1 << 15

func (m *message) begin(r *scan.Reader, req Request, key string) {
	m.r, m.arrived, m.sent, m.key = r, req.Arrived, req.Sent, key
	m.library, m.version, _ = strings.Cut(strings.ToValidUTF8(req.Library, "\uFFFD"), "/")
	if m.told == nil || len(m.told) > maxShapes {
		m.told = map[*events.Shape]*places{}
	}
}

// read reads the event at Pos of r into ev.
func (m *message) read(ev *events.Event) events.Refusal {
	m.ev, m.lent, m.known, m.other = ev, 0, [fields]int{}, m.other[:0]
	start := m.r.Pos
	if where, f := m.r.Members(m.note); f != scan.None {
		return f.Refusal(where)
	}
	if refusal := scan.CheckEvent(m.r.Pos - start + len(m.library) + len(m.version)); refusal != none {
		return refusal
	}
	for _, step := range [...]func() events.Refusal{m.ids, m.properties, m.time, m.people} {
		if refusal := step(); refusal != none {
			return refusal
		}
	}
	return none
}

// note remembers the place of a value, and moves past it.
func (m *message) note(key string) scan.Flaw {
	if f, ok := fieldOf(key); ok {
		if m.known[f] != 0 && f != fieldUseless {
			return scan.Duplicate
		}
		m.known[f] = m.r.Pos + 1
		return m.r.Pass()
	}
	if len(m.other) == events.MaxProperties {
		return scan.TooMany
	}
	m.other = append(m.other, member{key, m.r.Pos})
	return m.r.Pass()
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
		var f scan.Flaw
		if m.ev.UserID, f = m.r.ID(events.MaxSubject); f != scan.None {
			return f.Refusal(keys[fieldDistinctID])
		}
	}
	return none
}
