// Package hit reads what trackers of web pages send: an event a request, a JSON object, or
// an array of them, by a browser that the User-Agent header tells of.
package hit

import (
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Request is what arrived.
type Request struct {
	Body      []byte // decompressed
	Arrived   int64  // UTC microseconds
	UserAgent string // of the header; may be empty
	Key       string // the write key where the body has it: it is not kept; empty: it stands elsewhere
}

// Decoder is what decoders of such requests have in common. Keep it from one request to
// the next. It is not safe for concurrent use.
type Decoder struct {
	batch.Reader
	Request Request
}

// None is no refusal.
var None events.Refusal

// Read reads an event from the object at Pos. It does not end the properties: the Decoder
// does, with what the browser says of itself.
type Read func(ev *events.Event) events.Refusal

// Decode returns the event of a request, with Refused set if it cannot be stored. A body
// that is no object is fault.Invalid. Trackers give no ids: one is made. The event shares
// memory with the request and the Decoder until the next Decode.
func (d *Decoder) Decode(req Request, hint string, read Read) ([]events.Event, error) {
	d.Request = req
	d.Reset(req.Body, req.Arrived)
	start, end, err := d.Object(hint)
	if err != nil {
		return nil, err
	}
	if err := d.hit(start, end, read); err != nil {
		return nil, err
	}
	return d.Events, nil
}

// DecodeAll is Decode of a request whose body is an array of such objects: more than one
// request may have, or larger ones in all with the header's text, are fault.TooLarge.
func (d *Decoder) DecodeAll(req Request, hint string, read Read) ([]events.Event, error) {
	d.Request = req
	d.Reset(req.Body, req.Arrived)
	err := d.Array(hint, func(start, end int) error { return d.hit(start, end, read) })
	if err != nil {
		return nil, err
	}
	return d.Events, nil
}

// hit appends the event that stands from start to end.
func (d *Decoder) hit(start, end int, read Read) error {
	ev, lent := d.Event(start), 0
	ev.Time, ev.MadeTime = d.Arrived, true
	d.Begin()
	refusal := scan.CheckEvent(end - start)
	if refusal == None {
		refusal = read(ev)
	}
	if refusal == None {
		lent, refusal = d.browser(end - start)
	}
	if refusal == None {
		ev.Shape, ev.Values = d.End()
	} else {
		d.Refuse(ev, refusal, start, end, "", ev.Name)
	}
	return d.Done(ev, lent)
}

// Property adds the value at Pos as a property. Where the event has one of that name, it
// becomes one with the prefix.
func (d *Decoder) Property(name, prefix string) scan.Flaw {
	var v events.Value
	if f := d.Value(&v, 3); f != scan.None {
		return f
	}
	f := d.Add(name, v)
	if f == scan.Duplicate {
		f = d.Add(prefix+name, v)
	}
	return f
}

// Later passes over the value at Pos and notes its place, plus 1, to read it once the
// others were read.
func (d *Decoder) Later(place *int) scan.Flaw {
	if *place != 0 {
		return scan.Duplicate
	}
	*place = d.Pos + 1
	return d.Pass()
}

// UserAgent is the property that tells of the browser.
const UserAgent = "user_agent"

// browser adds the User-Agent where the event, of size bytes, has none, and returns the
// bytes of it.
func (d *Decoder) browser(size int) (lent int, refusal events.Refusal) {
	text := d.Request.UserAgent
	if text == "" || !utf8.ValidString(text) || d.Find(UserAgent) != nil {
		return 0, None
	}
	if refusal := scan.CheckEvent(size + len(text)); refusal != None {
		return 0, refusal
	}
	return len(text), d.Add(UserAgent, events.Value{Kind: events.Text, Text: text}).Refusal(UserAgent)
}
