package posthog

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// time reads the event time as PostHog does: an offset says how many milliseconds before
// the arrival it was; else the sender's clock is mended by when it was sent, unless the
// event forbids that. Without either the clock is trusted. It ends the properties, of
// which one tells what was mended.
func (m *message) time() events.Refusal {
	m.ev.Time, m.ev.MadeTime = m.arrived, true
	said := m.at(fieldTimestamp)
	if said {
		text, f := m.r.OptionalText(64)
		if f == scan.None {
			m.ev.Time, f = timeOf(text)
		}
		if f != scan.None {
			return f.Refusal(keys[fieldTimestamp])
		}
		m.ev.MadeTime = false
	}
	mended, refusal := m.mend(said)
	if refusal != none {
		return refusal
	}
	if said && mended {
		m.at(fieldTimestamp)
		if refusal := m.add("original_timestamp"); refusal != none {
			return refusal
		}
	}
	m.ev.Shape, m.ev.Values = m.r.End()
	return none
}

// mend puts the event time right, and reports whether it was not what the event says.
func (m *message) mend(said bool) (bool, events.Refusal) {
	switch offset, ok := m.offset(); {
	case ok:
		m.ev.Time, m.ev.MadeTime = m.arrived-offset*1000, false
	case said && m.sent != 0 && !m.ignoresSent():
		m.ev.Time += m.arrived - m.sent
	default:
		return false, none
	}
	if !scan.InRange(m.ev.Time) {
		return false, scan.TimeRange.Refusal(keys[fieldTimestamp])
	}
	return true, none
}

// offset returns an offset that can be one. PostHog passes over any other.
func (m *message) offset() (int64, bool) {
	var v events.Value
	const most = 1 << 43 // milliseconds: 278 years
	if !m.at(fieldOffset) || m.r.Value(&v, 1) != scan.None || v.Kind != events.Int || v.Int > most || v.Int < -most {
		return 0, false
	}
	return v.Int, true
}

func (m *message) ignoresSent() bool {
	ignore := m.r.Find("$ignore_sent_at")
	return ignore != nil && ignore.Kind == events.Bool && ignore.Int == 1
}

// timeOf reads a time. One without a zone is in UTC, and one without an hour at midnight,
// as PostHog has it.
func timeOf(text string) (int64, scan.Flaw) {
	at, f := scan.Time(text)
	if f == scan.BadTime {
		if len(text) == len("2006-01-02") {
			text += "T00:00:00"
		}
		at, f = scan.Time(text + "Z")
	}
	return at, f
}
