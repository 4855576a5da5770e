package snowplow

import (
	"fmt"
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
	if refusal := m.parameters(); refusal != none {
		return refusal
	}
	if size := m.r.Pos - start; size > events.MaxEvent {
		return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the event has %d bytes, and %d are allowed", size, events.MaxEvent)}
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

// parameters adds those that are properties, and keeps the text of the others.
func (m *message) parameters() events.Refusal {
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
		if f := m.parameter(key); f != scan.None {
			return f.Refusal(scan.Clip(key, 64))
		}
	}
}

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
	switch v.Kind {
	case events.Null:
		return scan.None
	case events.Text, events.Big:
		m.said[c.part] = v.Text
	case events.Int:
		m.said[c.part] = strconv.FormatInt(v.Int, 10)
	default:
		return scan.WrongType
	}
	if limit := limits[c.part]; limit > 0 && len(m.said[c.part]) > limit {
		return scan.TooLong
	}
	return scan.None
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
		return refusal(deviceTime, m.r.Add(deviceTime, events.Value{Kind: events.Int, Int: at[partDeviceTime] / 1000}))
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

func refusal(where string, f scan.Flaw) events.Refusal {
	if f == scan.None {
		return none
	}
	return f.Refusal(where)
}
