// Package segmentapi reads the messages of Segment's tracking API, so that producers
// that speak it can send to us unmodified.
//
// What its SDKs send, as seen of @segment/analytics-node 3.1 and
// @rudderstack/rudder-sdk-node 3.0:
//   - both POST to /v1/batch only, with the write key as the user of Basic; the first
//     has it in the body also, as "writeKey";
//   - the first sends "timestamp" in each message and "sentAt" beside the batch; the
//     second sends "originalTimestamp" and "sentAt" in each message, and "timestamp"
//     only where the user gave one. Both make "sentAt" anew for each try, so that the
//     corrected time of a retry differs by milliseconds: the messageId is what tells
//     that it is one;
//   - the second compresses, says so, and calls the body a form;
//   - both try again after 429 and 5xx with the same messageIds, and heed Retry-After;
//     after any other 4xx the batch is lost, which is why a bad message is refused
//     alone.
package segmentapi

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Call is a method of the tracking API: what a message is, or a batch of them.
type Call string

// The calls.
const (
	Track    Call = "track"
	Identify Call = "identify"
	Page     Call = "page"
	Screen   Call = "screen"
	Group    Call = "group"
	Alias    Call = "alias"
	Batch    Call = "batch"
)

// Decoder decodes the bodies of calls. Keep it from one request to the next. It is
// not safe for concurrent use.
type Decoder struct {
	Rand func() uint64 // random bits of made ids; nil: math/rand/v2

	r      scan.Reader
	events []events.Event
	m      message
	size   int // bytes of all events, what is said beside the batch in each that has it
}

// maxKept bounds the events that a Decoder keeps memory for.
const maxKept = 1 << 15

// Decode returns the events that the body of a call holds. One that cannot be stored
// is among them, with Refused set. Arrived is the time of the request in UTC
// microseconds. A body that is no JSON object, or a batch without messages, is
// fault.Invalid, more messages than one request may have, or larger ones in all with the
// context of the batch, are fault.TooLarge. Events share memory with the body and the
// Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(call Call, body []byte, arrived int64) ([]events.Event, error) {
	if cap(d.events) > maxKept {
		d.events = nil
	}
	d.events, d.size = d.events[:0], 0
	d.r.Reset(body)
	if d.r.Peek() != '{' {
		return nil, d.r.Broken("an object was expected").WithHint("send a message, or {\"batch\": [...]}")
	}
	start := d.r.Pos
	if !d.r.Skip() {
		return nil, d.r.Broken("the object does not end")
	}
	if d.r.Space() {
		return nil, d.r.Broken("nothing was expected after the object")
	}
	end := d.r.Pos
	if call != Batch {
		return d.events, d.message(frame{call: call, arrived: arrived}, start, end)
	}
	if err := d.batch(start, arrived); err != nil {
		return nil, err
	}
	return d.events, nil
}

// frame is what a message gets from around it.
type frame struct {
	call    Call  // empty: its type says
	arrived int64 //
	sentAt  int64 // zero: unknown
	context span  // for messages without one
}

// span is a piece of the text. The zero span is none.
type span struct{ start, end int }

// batch reads the messages of a batch. The object at start is known to end.
func (d *Decoder) batch(start int, arrived int64) error {
	around := frame{arrived: arrived}
	if d.r.Lookup(start, "sentAt") {
		around.sentAt = clock(&d.r)
	}
	if d.r.Lookup(start, "context") && d.r.Text[d.r.Pos] == '{' {
		around.context.start = d.r.Pos
		d.r.Skip()
		around.context.end = d.r.Pos
	}
	if !d.r.Lookup(start, "batch") || d.r.Peek() != '[' {
		return fault.New(fault.Invalid, "no_batch", "the body has no array \"batch\"").
			WithHint("send {\"batch\": [...]}")
	}
	return d.r.Elements(func(start, end int) error { return d.message(around, start, end) })
}

// clock reads the sender's clock at Pos; one that cannot be read corrects nothing.
func clock(r *scan.Reader) int64 {
	text, f := r.OptionalText(64)
	if f != scan.None {
		return 0
	}
	at, f := scan.Time(text)
	if f != scan.None {
		return 0
	}
	return at
}

// message appends the event of the message from start to end.
func (d *Decoder) message(around frame, start, end int) error {
	d.events = append(d.events, events.Event{})
	ev := &d.events[len(d.events)-1]
	d.r.Pos = start
	refusal := d.m.read(&d.r, ev, around)
	d.size += end - start
	if refusal.Code == "" {
		d.size += d.m.lent
	} else {
		raw := d.r.Text[start:end]
		*ev = events.Event{
			ID: d.lookup(start, "messageId"), Name: d.lookup(start, "event"),
			Time: around.arrived, MadeTime: true,
			Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)],
		}
	}
	if ev.ID == "" {
		ev.ID, ev.MadeID = d.r.NewID(around.arrived, d.Rand), true
	}
	return scan.CheckSize(d.size)
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

// WriteKey returns the write key that stands in a body, or nothing.
func WriteKey(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	if !r.Lookup(0, "writeKey") {
		return ""
	}
	key, f := r.OptionalText(256)
	if f != scan.None {
		return ""
	}
	return key
}
