// Package snowplow reads what Snowplow's trackers POST: version 2 of the tracker protocol,
// many events in one body.
//
// What they send, as seen of @snowplow/node-tracker 4.8:
//   - {"schema": "iglu:…/payload_data/…", "data": [event…]} to postPath, of at most
//     maxPostBytes (40,000) unless one event is larger. Every value of an event is text;
//     nested JSON is base64 for URLs (ue_px, cx), or as it is (ue_pr, co);
//   - the eid of an event is made once and sent again at each try. The stm, when it was
//     sent, is made anew, so that a corrected time differs by milliseconds;
//   - it knows no key: customHeaders may have one, or postPath a query;
//   - it reads no more of an answer than the status. Any 2xx ends a batch; 400, 401, 403,
//     410 and 422 lose it; after any other status, and when the connection breaks, it stays
//     and is sent whole with the next flush, without a pause of its own and whatever
//     Retry-After says. A 413, which these bodies are too small for, would be repeated;
//   - it keeps 1000 events at most, and forgets the oldest of more.
//
// An event without an eid, which no tracker of Snowplow's sends, is given an id, and a
// retry of it counts again.
package snowplow

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Decoder decodes bodies. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	Rand func() uint64 // random bits of made ids; nil: math/rand/v2

	r      scan.Reader
	events []events.Event
	m      message
}

// maxKept bounds the events that a Decoder keeps memory for.
const maxKept = 1 << 15

const hint = `send {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [...]}`

// Decode returns the events of a body. One that cannot be stored is among them, with
// Refused set. A body without an array of data, or that cannot be told apart into events,
// is fault.Invalid; more events than one request may have are fault.TooLarge. Arrived is
// the time of the request in UTC microseconds. Events share memory with the body and the
// Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(body []byte, arrived int64) ([]events.Event, error) {
	if cap(d.events) > maxKept {
		d.events, d.m.plain = nil, nil
	}
	d.events, d.m.plain = d.events[:0], d.m.plain[:0]
	d.r.Reset(body)
	d.m.r, d.m.arrived = &d.r, arrived
	if d.r.Peek() != '{' {
		return nil, d.r.Broken("an object was expected").WithHint(hint)
	}
	start := d.r.Pos
	if !d.r.Skip() {
		return nil, d.r.Broken("the object does not end")
	}
	if d.r.Space() {
		return nil, d.r.Broken("nothing was expected after the object")
	}
	if !d.r.Lookup(start, "data") || d.r.Peek() != '[' {
		return nil, fault.New(fault.Invalid, "no_data", "the body has no array \"data\"").WithHint(hint)
	}
	if err := d.r.Elements(d.event); err != nil {
		return nil, err
	}
	return d.events, nil
}

// event appends the event that stands from start to end.
func (d *Decoder) event(start, end int) error {
	d.events = append(d.events, events.Event{})
	ev := &d.events[len(d.events)-1]
	d.r.Pos = start
	if refusal := d.m.read(ev); refusal != none {
		raw := d.r.Text[start:end]
		*ev = events.Event{
			ID: d.lookup(start, "eid"), Name: nameOf(d.lookup(start, "e")), Time: d.m.arrived, MadeTime: true,
			Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)],
		}
	}
	if ev.ID == "" {
		ev.ID, ev.MadeID = d.r.NewID(d.m.arrived, d.Rand), true
	}
	return nil
}

func (d *Decoder) lookup(start int, key string) string {
	if !d.r.Lookup(start, key) {
		return ""
	}
	s, f := d.r.OptionalText(events.MaxID)
	if f != scan.None {
		return ""
	}
	return s
}
