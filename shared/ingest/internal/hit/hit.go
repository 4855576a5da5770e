// Package hit reads what trackers of web pages send: one event a request, a JSON object,
// by a browser that the User-Agent header tells of.
package hit

import (
	"fmt"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
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
	Rand func() uint64 // random bits of made ids; nil: math/rand/v2

	scan.Reader
	Request Request
	event   [1]events.Event
}

// None is no refusal.
var None events.Refusal

// Decode returns the event of a request, which read reads into ev from the object at Pos.
// Read may not end the properties: they are ended here, with what the browser says of
// itself. If the event cannot be stored, Refused is set. A body that is no object is
// fault.Invalid. Trackers give no ids: one is made. The event shares memory with the
// request and the Decoder until the next Decode.
func (d *Decoder) Decode(req Request, hint string, read func(ev *events.Event) events.Refusal) ([]events.Event, error) {
	d.Request = req
	d.Reset(req.Body)
	if d.Peek() != '{' {
		return nil, d.Broken("an object was expected").WithHint("%s", hint)
	}
	start := d.Pos
	if !d.Skip() {
		return nil, d.Broken("the object does not end")
	}
	end := d.Pos
	if d.Space() {
		return nil, d.Broken("nothing was expected after the object")
	}
	d.Pos = start
	d.event[0] = events.Event{Time: req.Arrived, MadeTime: true}
	ev := &d.event[0]
	d.Begin()
	refusal := tooLarge(end - start)
	if refusal == None {
		refusal = read(ev)
	}
	if refusal == None {
		refusal = d.browser()
	}
	if refusal == None {
		ev.Shape, ev.Values = d.End()
	} else {
		raw := d.Text[start:end]
		*ev = events.Event{Name: scan.Clip(ev.Name, events.MaxName), Time: req.Arrived, MadeTime: true, Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)]}
	}
	ev.ID, ev.MadeID = d.NewID(req.Arrived, d.Rand), true
	return d.event[:], nil
}

func tooLarge(size int) events.Refusal {
	if size <= events.MaxEvent {
		return None
	}
	return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the event has %d bytes, and %d are allowed", size, events.MaxEvent)}
}

// Members calls each with the key of every member of the object at Pos, whose value is at
// Pos then, and which each must move past.
func (d *Decoder) Members(each func(key string) scan.Flaw) events.Refusal {
	if !d.Next('{') {
		return events.Refusal{Code: "not_an_object", Reason: "an object was expected"}
	}
	for first := true; ; first = false {
		more, f := d.Member(first)
		if f != scan.None {
			return f.Refusal("")
		}
		if !more {
			return None
		}
		key, f := d.Key()
		if f == scan.None {
			f = each(key)
		}
		if f != scan.None {
			return f.Refusal(scan.Clip(key, 64))
		}
	}
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

// UserAgent is the property that tells of the browser.
const UserAgent = "user_agent"

// browser adds the User-Agent where the event has none.
func (d *Decoder) browser() events.Refusal {
	text := d.Request.UserAgent
	if text == "" || !utf8.ValidString(text) || d.Find(UserAgent) != nil {
		return None
	}
	if f := d.Add(UserAgent, events.Value{Kind: events.Text, Text: text}); f != scan.None {
		return f.Refusal(UserAgent)
	}
	return None
}
