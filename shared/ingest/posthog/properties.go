package posthog

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// properties gathers the properties of the event: those it calls so as they are, then
// what else it says, under the name that PostHog has for it. What v1 has beside them is
// put back where v0 has it, so that a column is one whatever a client speaks.
func (m *message) properties() events.Refusal {
	m.r.Begin()
	if refusal := m.flatten(); refusal != none {
		return refusal
	}
	if refusal := m.options(); refusal != none {
		return refusal
	}
	if m.at(fieldSessionID) {
		if refusal := m.add("$session_id"); refusal != none {
			return refusal
		}
	}
	for _, t := range [...]struct{ name, text string }{{"$lib", m.library}, {"$lib_version", m.version}} {
		if t.text == "" || m.r.Find(t.name) != nil {
			continue
		}
		if f := m.r.Add(t.name, events.Value{Kind: events.Text, Text: t.text}); f != scan.None {
			return f.Refusal(t.name)
		}
		m.lent += len(t.text)
	}
	if m.known[fieldOffset] != 0 {
		if _, ok := m.offset(); !ok {
			m.other = append(m.other, member{keys[fieldOffset], m.known[fieldOffset] - 1})
		}
	}
	for _, o := range m.other {
		m.r.Pos = o.at
		name := o.name
		if name == "window_id" {
			name = "$window_id"
		}
		if refusal := m.add(name); refusal != none {
			return refusal
		}
	}
	return none
}

func (m *message) flatten() events.Refusal {
	if !m.at(fieldProperties) {
		return none
	}
	if m.r.Text[m.r.Pos] != '{' {
		return events.Refusal{Code: "wrong_type", Reason: "properties must be an object"}
	}
	where, f := m.r.Properties(2) // the event's own object is the first
	if f != scan.None {
		return f.Refusal(keys[fieldProperties], where)
	}
	if token := m.r.Find("token"); token != nil && m.key != "" && token.Kind == events.Text && token.Text == m.key {
		*token = events.Value{}
	}
	return none
}

// options adds the members of v1's options by the names that v0 has for them.
func (m *message) options() events.Refusal {
	if !m.at(fieldOptions) {
		return none
	}
	if m.r.Text[m.r.Pos] != '{' {
		return m.add(keys[fieldOptions])
	}
	_, f := m.r.Members(func(key string) scan.Flaw { return m.r.Put(optionOf(key), "message_", 2) })
	return f.Refusal(keys[fieldOptions])
}

func optionOf(key string) string {
	switch key {
	case "process_person_profile":
		return "$process_person_profile"
	case "disable_skew_correction":
		return "$ignore_sent_at"
	}
	return "$" + key
}

func (m *message) add(name string) events.Refusal {
	return m.r.Put(name, "message_", 2).Refusal(scan.Clip(name, 64))
}

// about is a property that tells who an event is about, or what it is.
type about uint8

const (
	aboutSession about = iota
	aboutIdentified
	aboutProfile
	aboutDevice
	aboutAnonymous
	aboutDistinct
	aboutInsert
	abouts
)

var aboutOf = map[string]about{
	"$session_id": aboutSession, "$is_identified": aboutIdentified, "$process_person_profile": aboutProfile, "$device_id": aboutDevice,
	"$anon_distinct_id": aboutAnonymous, "distinct_id": aboutDistinct, "$insert_id": aboutInsert,
}

// places are where those properties stand among those of a shape, plus 1. They are found
// once for a shape, and not once an event.
type places [abouts]int

func (m *message) places(shape *events.Shape) *places {
	if p := m.told[shape]; p != nil {
		return p
	}
	p := new(places)
	for i, name := range shape.Names {
		if a, ok := aboutOf[name]; ok {
			p[a] = i + 1
		}
	}
	m.told[shape] = p
	return p
}

// people says whom the event is about. A distinct id is the user's, unless PostHog would
// call the event anonymous: it says so itself, or the id is the device's own. A property
// that cannot be an id is left a property.
func (m *message) people() events.Refusal {
	if m.ev.Shape == nil {
		return none
	}
	p, device, anonymous := m.places(m.ev.Shape), "", ""
	for _, t := range [...]struct {
		into *string
		from about
	}{
		{&m.ev.UserID, aboutDistinct}, {&m.ev.SessionID, aboutSession}, {&m.ev.ID, aboutInsert}, {&device, aboutDevice}, {&anonymous, aboutAnonymous},
	} {
		if p[t.from] == 0 || *t.into != "" {
			continue
		}
		if id, f := scan.IDOf(m.ev.Values[p[t.from]-1], events.MaxSubject); f == scan.None {
			*t.into = id
		}
	}
	switch {
	case m.ev.UserID != "" && (m.isFalse(p[aboutIdentified]) || m.isFalse(p[aboutProfile]) || m.ev.UserID == device):
		m.ev.UserID, m.ev.AnonymousID = "", m.ev.UserID
	case anonymous != "":
		m.ev.AnonymousID = anonymous
	default:
		m.ev.AnonymousID = device
	}
	return none
}

func (m *message) isFalse(place int) bool {
	if place == 0 {
		return false
	}
	v := m.ev.Values[place-1]
	return v.Kind == events.Bool && v.Int == 0
}
