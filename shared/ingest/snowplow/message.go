package snowplow

import (
	"strconv"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// message is an event in the making.
type message struct {
	r       *scan.Reader
	arrived int64  // UTC microseconds
	plain   []byte // nested JSON of all events of the body, decoded

	ev   *events.Event
	said [parts]string
}

var none events.Refusal

// read reads the event at Pos of r into ev.
func (m *message) read(ev *events.Event) events.Refusal {
	m.ev, m.said = ev, [parts]string{}
	start := m.r.Pos
	m.r.Begin()
	if where, f := m.r.Members(m.parameter); f != scan.None {
		return f.Refusal(where)
	}
	if refusal := scan.CheckEvent(m.r.Pos - start); refusal != none {
		return refusal
	}
	ev.ID, ev.Name = m.said[partID], nameOf(m.said[partEvent])
	ev.UserID, ev.AnonymousID, ev.SessionID = m.said[partUser], m.said[partDomainUser], m.said[partSession]
	for _, step := range [...]func() events.Refusal{m.time, m.selfDescribing, m.contexts} {
		if refusal := step(); refusal != none {
			return refusal
		}
	}
	if ev.Name == "" {
		return events.Refusal{Code: "no_event_name", Reason: "an event needs \"e\""}
	}
	ev.Shape, ev.Values = m.r.End()
	return none
}

// parameter adds what is a property, and keeps the text of anything else.
func (m *message) parameter(key string) scan.Flaw {
	c, known := columns[key]
	if !known {
		c.name = key
	}
	var v events.Value
	if f := m.r.Value(&v, 1); f != scan.None {
		return f
	}
	if c.part == property {
		if c.number {
			v = m.numberOf(v)
		}
		f := m.r.Add(c.name, v)
		if f == scan.Duplicate && c.name != key { // two parameters of one column
			f = m.r.Add(key, v)
		}
		return f
	}
	if m.said[c.part] != "" {
		return scan.Duplicate
	}
	limit := limits[c.part]
	if limit == 0 {
		limit = events.MaxEvent
	}
	var f scan.Flaw
	m.said[c.part], f = scan.IDOf(v, limit)
	return f
}

// numberOf is the number of a text that is one; what is none is left as it is.
func (m *message) numberOf(v events.Value) events.Value {
	if v.Kind != events.Text || v.Text == "" || v.Text[0] != '-' && (v.Text[0] < '0' || v.Text[0] > '9') {
		return v
	}
	text, pos := m.r.Text, m.r.Pos
	m.r.Text, m.r.Pos = []byte(v.Text), 0
	var n events.Value
	if m.r.Value(&n, 1) != scan.None || m.r.Space() {
		n = v
	}
	m.r.Text, m.r.Pos = text, pos
	return n
}

// time takes the time that the program tells for sure, or the device's clock, put right
// by how far off it was when it sent.
func (m *message) time() events.Refusal {
	m.ev.Time, m.ev.MadeTime = m.arrived, true
	var at [parts]int64
	for p := partTrueTime; p <= partSentTime; p++ {
		var f scan.Flaw
		at[p], f = timeOf(m.said[p])
		if f != scan.None && p != partSentTime { // a broken clock of the sender's mends nothing
			return f.Refusal(timeNames[p])
		}
	}
	switch {
	case m.said[partTrueTime] != "":
		m.ev.Time, m.ev.MadeTime = at[partTrueTime], false
	case m.said[partDeviceTime] == "":
		return none
	default:
		m.ev.Time, m.ev.MadeTime = at[partDeviceTime], false
		if at[partSentTime] != 0 {
			m.ev.Time += m.arrived - at[partSentTime]
		}
	}
	if !scan.InRange(m.ev.Time) {
		return scan.TimeRange.Refusal("dtm")
	}
	if m.said[partDeviceTime] != "" && m.ev.Time != at[partDeviceTime] {
		return m.r.Add(deviceTime, events.Value{Kind: events.Int, Int: at[partDeviceTime] / 1000}).Refusal(deviceTime)
	}
	return none
}

var timeNames = map[part]string{partTrueTime: "ttm", partDeviceTime: "dtm"}

// timeOf reads milliseconds since 1970 as microseconds. No text is 0.
func timeOf(text string) (int64, scan.Flaw) {
	if text == "" {
		return 0, scan.None
	}
	const most = 1 << 43 // milliseconds: 278 years
	ms, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return 0, scan.BadTime
	case ms > most || ms < -most || !scan.InRange(ms*1000):
		return 0, scan.TimeRange
	}
	return ms * 1000, scan.None
}
