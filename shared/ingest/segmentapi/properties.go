package segmentapi

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// time reads the event time and mends the sender's clock: what was sent at sentAt by
// that clock came at the arrival by ours. Without a sentAt the clock is trusted.
func (m *message) time(_ Call, around frame) events.Refusal {
	m.ev.Time, m.ev.MadeTime = around.arrived, true
	m.corrected = false
	field := m.timeField()
	if !m.at(field) {
		return none
	}
	text, f := m.r.OptionalText(64)
	if f == scan.None {
		m.ev.Time, f = scan.Time(text)
	}
	if f != scan.None {
		return f.Refusal(keys[field])
	}
	m.ev.MadeTime = false
	sent := around.sentAt
	if m.at(fieldSentAt) {
		sent = clock(m.r)
	}
	if sent != 0 {
		m.ev.Time += around.arrived - sent
		m.corrected = true
	}
	if !scan.InRange(m.ev.Time) {
		return scan.TimeRange.Refusal(keys[field])
	}
	return none
}

// timeField is where the event time stands. RudderStack's SDK always sends an
// originalTimestamp, and a timestamp where its user gave one.
func (m *message) timeField() field {
	if m.at(fieldTimestamp) {
		return fieldTimestamp
	}
	return fieldOriginalTimestamp
}

// properties gathers the properties of the event: those of the call as they are,
// then what else the message says.
func (m *message) properties(call Call, _ frame) events.Refusal {
	m.r.Begin()
	flat, timed := fieldProperties, m.timeField()
	if call == Identify || call == Group {
		flat = fieldTraits
	}
	if refusal := m.flatten(flat); refusal != none {
		return refusal
	}
	for _, p := range [...]struct {
		name string
		from field
		when bool
	}{
		{"group_id", fieldGroupID, true},
		{"previous_id", fieldPreviousID, true},
		{"context", fieldContext, true},
		{"original_timestamp", timed, m.corrected},
		{"original_timestamp", fieldOriginalTimestamp, timed == fieldTimestamp},
	} {
		if !p.when || !m.at(p.from) {
			continue
		}
		if refusal := m.add(p.name); refusal != none {
			return refusal
		}
	}
	for _, o := range m.other {
		m.r.Pos = o.at
		if refusal := m.add(o.key); refusal != none {
			return refusal
		}
	}
	m.ev.Shape, m.ev.Values = m.r.End()
	return none
}

func (m *message) flatten(field field) events.Refusal {
	if !m.at(field) {
		return none
	}
	if m.r.Text[m.r.Pos] != '{' {
		return events.Refusal{Code: "wrong_type", Reason: keys[field] + " must be an object"}
	}
	where, f := m.r.Properties(2) // the message's own object is the first
	return f.Refusal(keys[field], where)
}

// add adds the value at Pos as a property.
func (m *message) add(name string) events.Refusal {
	return m.r.Put(name, "message_", 1).Refusal(scan.Clip(name, 64))
}
