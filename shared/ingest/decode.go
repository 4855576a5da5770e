// Package ingest turns the bytes of a request into records of the stream. It decodes
// events (Decoder), telling each one's fate, puts them on the stream so that a retry
// is recognized (Producer), and counts what was acknowledged (Accepted). What becomes
// of an event after that is the ingestor's business.
package ingest

import (
	"bytes"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Decoder decodes the bodies of requests. The zero Decoder is ready; keep it from
// one request to the next, because it learns the shapes of events. It is not safe
// for concurrent use.
type Decoder struct {
	Rand func() uint64 // random bits of made ids; nil: math/rand/v2

	r      scan.Reader
	events []events.Event
}

// Decode returns the events of a body: a JSON array, an object, or objects one a
// line. An event that cannot be stored is among them, with Refused set: it costs its
// neighbours nothing. Arrived is the time of the request in UTC microseconds, and
// that of an event without one.
//
// The framing must hold: an array's elements are told apart by their quotes and
// brackets, whatever else is wrong inside of one. A body where that fails is
// fault.Invalid as a whole, with the place, because nobody can say which of its
// events were meant. Lines are told apart anyway; only a body of which no line is an
// object is fault.Invalid. More events than one request may have are fault.TooLarge.
//
// Events share memory with the body and the Decoder: they are valid until the next
// Decode, and while the body does not change.
func (d *Decoder) Decode(body []byte, arrived int64) ([]events.Event, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if cap(d.events) > maxKept {
		d.events = nil
	}
	d.events = d.events[:0]
	d.r.Reset(body)
	var err error
	switch d.r.Peek() {
	case 0:
		if d.r.Pos == len(body) {
			err = fault.New(fault.Invalid, "empty_body", "the body is empty").WithHint("send a JSON array of events")
		} else {
			err = d.broken("a value was expected")
		}
	case '[':
		err = d.array(arrived)
	default:
		err = d.lines(arrived)
	}
	if err != nil {
		return nil, err
	}
	return d.events, nil
}

// maxKept bounds the events that a Decoder keeps memory for.
const maxKept = 1 << 15

func (d *Decoder) array(arrived int64) error {
	d.r.Next('[')
	if !d.r.Next(']') {
		for more := true; more; {
			d.r.Space()
			if !d.event(arrived) {
				return d.broken("an event does not end")
			}
			if err := scan.CheckCount(len(d.events)); err != nil {
				return err
			}
			more = d.r.Next(',')
		}
		if !d.r.Next(']') {
			return d.broken("',' or ']' was expected")
		}
	}
	if d.r.Space() {
		return d.broken("nothing was expected after the array")
	}
	return nil
}

// lines reads one event a line. A body of which no line is an object may be one
// object on several lines.
func (d *Decoder) lines(arrived int64) error {
	body, objects := d.r.Text, false
	for d.r.Space() {
		start, end, before := d.r.Pos, len(body), len(d.events)
		if n := bytes.IndexByte(body[start:], '\n'); n >= 0 {
			end = start + n
		}
		d.r.Text = body[:end]
		if d.event(arrived) && !d.r.Space() {
			objects = objects || body[start] == '{'
		} else {
			d.events = append(d.events[:before], d.refused(scan.Syntax.Refusal(""), start, end, arrived))
		}
		d.r.Pos, d.r.Text = end, body
		if err := scan.CheckCount(len(d.events)); err != nil {
			return err
		}
	}
	if objects {
		return nil
	}
	d.events, d.r.Pos = d.events[:0], 0
	if d.r.Peek() == '{' && d.event(arrived) && !d.r.Space() {
		return nil
	}
	return d.broken("neither a JSON array nor objects, one a line, were found")
}

// event reads the next event. It fails when the framing is broken.
func (d *Decoder) event(arrived int64) bool {
	start, n := d.r.Pos, len(d.events)
	d.events = append(d.events, events.Event{})
	refusal := d.fields(&d.events[n], arrived)
	if refusal.Code == "" {
		return true
	}
	d.r.Pos = start
	if !d.r.Skip() {
		d.events = d.events[:n]
		return false
	}
	end := d.r.Pos
	d.events[n] = d.refused(refusal, start, end, arrived)
	d.r.Pos = end
	return true
}

// refused makes an event of the text from start to end, with its id and name as far
// as they can be read, so that its sender can ask for its fate.
func (d *Decoder) refused(refusal events.Refusal, start, end int, arrived int64) events.Event {
	raw := bytes.TrimSpace(d.r.Text[start:end])
	ev := events.Event{
		ID:       d.r.TextOf(start, "event_id", events.MaxID),
		Name:     d.r.TextOf(start, "event", events.MaxName),
		Time:     arrived,
		MadeTime: true,
		Refused:  refusal,
		Raw:      raw[:min(len(raw), events.MaxEvent)],
	}
	d.complete(&ev, arrived)
	return ev
}

func (d *Decoder) complete(ev *events.Event, arrived int64) {
	if ev.ID == "" {
		ev.ID, ev.MadeID = d.r.NewID(arrived, d.Rand), true
	}
}

func (d *Decoder) broken(what string) error {
	return d.r.Broken(what).WithHint("nothing of it was stored: send a JSON array of events, or one event a line")
}
