package cloudevents

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// message is an event in the making, and where the values of it stand.
type message struct {
	r       *scan.Reader
	user    string // the attribute that is the user's id
	arrived int64  // UTC microseconds

	ev    *events.Event
	known [fields]int // place of the value of a known member, plus 1; 0: it is missing
	other []member    // the attributes that become properties
}

// member is an attribute by its name. In structured mode its value stands at a place of
// the text, in binary mode it is text of a header.
type member struct {
	name string
	at   int
	text string
}

// field is a member of an event that is no property.
type field uint8

const (
	fieldVersion field = iota
	fieldID
	fieldSource
	fieldType
	fieldTime
	fieldData
	fields
)

var keys = [fields]string{
	fieldVersion: "specversion", fieldID: "id", fieldSource: "source", fieldType: "type", fieldTime: "time", fieldData: "data",
}

var none events.Refusal

func fieldOf(key string) (field, bool) {
	for f, k := range keys {
		if k == key {
			return field(f), true // #nosec G115 -- half a dozen fields
		}
	}
	return 0, false
}

// read reads the event at Pos of r into ev.
func (m *message) read(ev *events.Event) events.Refusal {
	m.ev, m.known, m.other = ev, [fields]int{}, m.other[:0]
	start := m.r.Pos
	if where, f := m.r.Members(m.note); f != scan.None {
		return f.Refusal(where)
	}
	if refusal := scan.CheckEvent(m.r.Pos - start); refusal != none {
		return refusal
	}
	var attributes [fieldTime + 1]string
	for f := range attributes {
		if m.known[f] == 0 {
			continue
		}
		m.r.Pos = m.known[f] - 1
		text, flaw := m.r.OptionalText(events.MaxEvent)
		if flaw != scan.None {
			return flaw.Refusal(keys[f])
		}
		attributes[f] = text
	}
	if refusal := m.context(attributes); refusal != none {
		return refusal
	}
	return m.properties(attributes[fieldSource], m.data)
}

// note remembers the place of a value, and moves past it.
func (m *message) note(key string) scan.Flaw {
	if f, ok := fieldOf(key); ok {
		if m.known[f] != 0 {
			return scan.Duplicate
		}
		m.known[f] = m.r.Pos + 1
		return m.r.Pass()
	}
	if len(m.other) == events.MaxProperties {
		return scan.TooMany
	}
	m.other = append(m.other, member{name: key, at: m.r.Pos})
	return m.r.Pass()
}

// context checks the attributes that every event has, and takes the event's own fields
// from them.
func (m *message) context(attributes [fieldTime + 1]string) events.Refusal {
	if v := attributes[fieldVersion]; v != "1.0" && v != "0.3" {
		return events.Refusal{Code: "unknown_specversion", Reason: fmt.Sprintf("specversion %q is neither \"1.0\" nor \"0.3\"", scan.Clip(v, 16))}
	}
	for _, f := range [...]field{fieldID, fieldSource} {
		if attributes[f] == "" {
			return events.Refusal{Code: "no_" + keys[f], Reason: "an event needs \"" + keys[f] + "\""}
		}
	}
	m.ev.ID = identity(attributes[fieldSource], attributes[fieldID])
	switch m.ev.Name = attributes[fieldType]; {
	case m.ev.Name == "":
		return events.Refusal{Code: "no_event_name", Reason: "an event needs \"type\""}
	case len(m.ev.Name) > events.MaxName:
		return scan.TooLong.Refusal(keys[fieldType])
	}
	m.ev.Time, m.ev.MadeTime = m.arrived, true
	text := attributes[fieldTime] // #nosec G602 -- an array that has a place for each field
	if text != "" {
		var f scan.Flaw
		if m.ev.Time, f = scan.Time(text); f != scan.None {
			return f.Refusal(keys[fieldTime])
		}
		m.ev.MadeTime = false
	}
	return none
}

// identity joins what names an event: "source id", as no source has a space in it, being
// a URI reference. Where one has, or both are too long, a digest of them is the id, which
// has no space. No two pairs have the same, but for what SHA-256 cannot tell apart. It is
// empty if one of them is.
func identity(source, id string) string {
	if source == "" || id == "" {
		return ""
	}
	if len(source)+1+len(id) <= events.MaxID && strings.IndexByte(source, ' ') < 0 {
		return source + " " + id
	}
	text := binary.AppendUvarint(nil, uint64(len(source)))
	sum := sha256.Sum256(append(append(text, source...), id...))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// properties gathers the properties of the event: its attributes, then its data.
func (m *message) properties(source string, data func() events.Refusal) events.Refusal {
	m.r.Begin()
	if f := m.r.Add("source", events.Value{Kind: events.Text, Text: source}); f != scan.None {
		return f.Refusal("source")
	}
	for _, o := range m.other {
		if f := m.attribute(o); f != scan.None {
			return f.Refusal(scan.Clip(o.name, 64))
		}
	}
	if refusal := data(); refusal != none {
		return refusal
	}
	m.ev.Shape, m.ev.Values = m.r.End()
	return none
}

// attribute adds an attribute as a property. One that is null is one that is not there,
// by the specification.
func (m *message) attribute(o member) scan.Flaw {
	v := events.Value{Kind: events.Text, Text: o.text}
	if o.text == "" {
		m.r.Pos, v = o.at, events.Value{}
		if f := m.r.Value(&v, 1); f != scan.None || v.Kind == events.Null {
			return f
		}
	}
	if o.name == m.user && v.Kind == events.Text {
		if len(v.Text) > events.MaxSubject {
			return scan.TooLong
		}
		m.ev.UserID = v.Text
	}
	return m.r.Add(o.name, v)
}

// data adds the data of an event in structured mode.
func (m *message) data() events.Refusal {
	if m.known[fieldData] == 0 {
		return none
	}
	m.r.Pos = m.known[fieldData] - 1
	return m.json(2)
}

// json adds the JSON value at Pos, which is the event's data: the members of an object
// one by one, anything else as "data". Depth is that of the members of it.
func (m *message) json(depth int) events.Refusal {
	if m.r.Peek() == '{' {
		where, f := m.r.Members(func(key string) scan.Flaw {
			var v events.Value
			if f := m.r.Value(&v, depth); f != scan.None {
				return f
			}
			return m.r.Add(m.name(key), v)
		})
		return f.Refusal(keys[fieldData], where)
	}
	var v events.Value
	f := m.r.Value(&v, depth-1)
	if f == scan.None && v.Kind != events.Null {
		f = m.r.Add(keys[fieldData], v)
	}
	return f.Refusal(keys[fieldData])
}

// name is that of the property which a member of the data becomes. The names of
// attributes are theirs, so that one column never mixes the two: "source" of the data is
// "data_source", also where an event lacks the attribute.
func (m *message) name(key string) string {
	switch key {
	case "source", "subject", "datacontenttype", "dataschema":
		return "data_" + key
	}
	for _, o := range m.other {
		if o.name == key {
			return "data_" + key
		}
	}
	return key
}
