package snowplow

import (
	"encoding/base64"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// within calls read with the reader on JSON that stands in a parameter: as it is, or
// in base64. Without either it does nothing.
func (m *message) within(asIs, in64 part, read func() events.Refusal) events.Refusal {
	from := len(m.plain)
	switch {
	case m.said[in64] != "":
		text := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(m.said[in64], "="))
		var err error
		if m.plain, err = base64.RawURLEncoding.AppendDecode(m.plain, []byte(text)); err != nil {
			return events.Refusal{Code: "bad_encoding", Reason: "not base64"}
		}
	case m.said[asIs] != "":
		m.plain = append(m.plain, m.said[asIs]...)
	default:
		return none
	}
	text, pos := m.r.Text, m.r.Pos
	m.r.Text, m.r.Pos = m.plain[from:len(m.plain):len(m.plain)], 0
	refusal := read()
	if refusal == none && m.r.Space() {
		refusal = scan.Syntax.Refusal("")
	}
	m.r.Text, m.r.Pos = text, pos
	return refusal
}

// selfDescribing takes name and properties from the self-describing JSON of an event.
func (m *message) selfDescribing() events.Refusal {
	event := m.said[partEvent] == "ue"
	if event {
		m.ev.Name = ""
	}
	refusal := m.within(partSelfDescribing, partSelfDescribing64, func() events.Refusal {
		if !m.checked() || !m.r.Lookup(0, "data") {
			return scan.Syntax.Refusal("")
		}
		start := m.r.Pos
		schema := m.r.TextOf(start, "schema", events.MaxEvent)
		if schema == "" {
			return events.Refusal{Code: "no_schema", Reason: "the event's data has no \"schema\" such as \"iglu:com.acme/ordered/jsonschema/1-0-0\""}
		}
		if event {
			m.ev.Name = partOf(schema)
		}
		if f := m.r.Add(schemaName, events.Value{Kind: events.Text, Text: schema}); f != scan.None {
			return f.Refusal(schemaName)
		}
		if m.r.Lookup(start, "data") {
			if refusal := m.data(); refusal != none {
				return refusal
			}
		}
		m.r.Pos = len(m.r.Text)
		return none
	})
	switch {
	case refusal != none:
		refusal.Reason = "self-describing event: " + refusal.Reason
	case event && m.ev.Name == "":
		return events.Refusal{Code: "no_event_name", Reason: "a self-describing event needs \"ue_px\" or \"ue_pr\" with a schema that names it"}
	case len(m.ev.Name) > events.MaxName:
		return scan.TooLong.Refusal("the schema's name")
	}
	return refusal
}

// checked reports whether the text at hand is one object of JSON, and leaves Pos at 0.
func (m *message) checked() bool {
	m.r.Pos = 0
	if m.r.Peek() != '{' {
		return false
	}
	var v events.Value
	ok := m.r.Value(&v, 1) == scan.None && !m.r.Space()
	m.r.Pos = 0
	return ok
}

// partOf is the name in a schema's address: iglu:vendor/name/format/version.
func partOf(schema string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(schema, "iglu:"), "/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// data adds the data at Pos: the members of an object one by one, anything else as "data".
func (m *message) data() events.Refusal {
	if m.r.Peek() == '{' {
		where, f := m.r.Members(m.datum)
		if where == "" {
			where = "data"
		}
		return f.Refusal(where)
	}
	var v events.Value
	f := m.r.Value(&v, 2)
	if f == scan.None && v.Kind != events.Null {
		f = m.r.Add("data", v)
	}
	return f.Refusal("data")
}

func (m *message) datum(key string) scan.Flaw {
	var v events.Value
	if f := m.r.Value(&v, 3); f != scan.None {
		return f
	}
	return m.add(key, v)
}

// add adds a member of an event's data. The names of parameters are theirs.
func (m *message) add(name string, v events.Value) scan.Flaw {
	if !reserved[name] {
		if f := m.r.Add(name, v); f != scan.Duplicate {
			return f
		}
	}
	return m.r.Add("data_"+name, v)
}

// contexts keeps the array of the entities that an event has to do with.
func (m *message) contexts() events.Refusal {
	refusal := m.within(partContexts, partContexts64, func() events.Refusal {
		if !m.checked() || !m.r.Lookup(0, "data") {
			return scan.Syntax.Refusal("")
		}
		var v events.Value
		f := m.r.Value(&v, 2)
		if f == scan.None {
			f = m.r.Add(contextsName, v)
		}
		m.r.Pos = len(m.r.Text)
		return f.Refusal()
	})
	if refusal != none {
		refusal.Reason = "contexts: " + refusal.Reason
	}
	return refusal
}
