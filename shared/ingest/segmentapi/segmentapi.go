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
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
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

// Decoder decodes the bodies of calls. Keep it from one request to the next. It is not
// safe for concurrent use.
type Decoder struct {
	in batch.Reader
	m  message
}

// Decode returns the events that the body of a call holds. One that cannot be stored
// is among them, with Refused set. Arrived is the time of the request in UTC
// microseconds. A body that is no JSON object, or a batch without messages, is
// fault.Invalid, more messages than one request may have, or larger ones in all with the
// context of the batch, are fault.TooLarge. Events share memory with the body and the
// Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(call Call, body []byte, arrived int64) ([]events.Event, error) {
	d.in.Reset(body, arrived)
	d.m.r = &d.in.Reader
	start, end, err := d.in.Object(`send a message, or {"batch": [...]}`)
	switch {
	case err != nil:
	case call == Batch:
		err = d.batch(start)
	default:
		err = d.message(frame{call: call, arrived: arrived}, start, end)
	}
	if err != nil {
		return nil, err
	}
	return d.in.Events, nil
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
func (d *Decoder) batch(start int) error {
	around := frame{arrived: d.in.Arrived}
	if d.in.Lookup(start, "sentAt") {
		around.sentAt = clock(&d.in.Reader)
	}
	if d.in.Lookup(start, "context") && d.in.Text[d.in.Pos] == '{' {
		around.context.start = d.in.Pos
		d.in.Skip()
		around.context.end = d.in.Pos
	}
	if !d.in.Lookup(start, "batch") || d.in.Peek() != '[' {
		return fault.New(fault.Invalid, "no_batch", "the body has no array \"batch\"").
			WithHint("send {\"batch\": [...]}")
	}
	return d.in.Elements(func(start, end int) error { return d.message(around, start, end) })
}

// clock reads the sender's clock at Pos; one that cannot be read corrects nothing.
func clock(r *scan.Reader) int64 {
	at, f := scan.Time(r.ShortText(64))
	if f != scan.None {
		return 0
	}
	return at
}

// message appends the event of the message from start to end.
func (d *Decoder) message(around frame, start, end int) error {
	ev := d.in.Event(start)
	if refusal := d.m.read(ev, around); refusal != none {
		d.in.Refuse(ev, refusal, start, end, d.in.TextOf(start, keys[fieldMessageID], events.MaxID), d.in.TextOf(start, keys[fieldEvent], events.MaxName))
		d.m.lent = 0
	}
	return d.in.Done(ev, d.m.lent)
}

// WriteKey returns the write key that stands in a body, or nothing.
func WriteKey(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	return r.TextOf(0, "writeKey", 256)
}
