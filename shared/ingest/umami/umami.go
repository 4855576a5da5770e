// Package umami reads what Umami's trackers send: one event a request, or an array.
//
// What they send, as seen of @umami/node 0.4: {"type": "event" or "identify", "payload":
// {…}} to /api/send, with the website's id, which is the write key here. The name of an
// event is missing where a page was viewed. It hands its program the response as fetch
// returned it, and tries nothing again, so that what does not arrive is lost unless the
// program repeats it. The browser's tracker reads of an answer whether it is "disabled",
// and a "cache" to send back, and does without both.
//
// No tracker sends to /api/batch: programs do, that load what they gathered. Umami's
// server takes an array there, handles each element as a request of its own with the
// headers of the whole, and answers 200 with how many there were, how many of them it
// took, and what it answers of each of the others. There, elements may be of several
// websites; here all are stored by one key, so that one of another website than the
// request's first is refused.
//
// # Identity
//
// The protocol gives an event no id. One is made, and an event that is sent twice counts
// twice.
package umami

import (
	"strconv"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/hit"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Request is what arrived.
type Request = hit.Request

// Decoder decodes requests. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	d  hit.Decoder
	ev *events.Event

	kind, website string
	payload, data int // places of the values, plus 1
}

const hint = `send {"type": "event", "payload": {"website": "...", "name": "..."}}`

// Decode returns the event of a request, with Refused set if it cannot be stored. A body
// that is no object is fault.Invalid. The event shares memory with the request and the
// Decoder: it is valid until the next Decode.
func (u *Decoder) Decode(req Request) ([]events.Event, error) {
	return u.d.Decode(req, hint, u.read)
}

// DecodeBatch returns the events of a request that is an array of them, as Decode does. A
// body that is no array, or cannot be told apart into events, is fault.Invalid; more events
// than one request may have are fault.TooLarge.
func (u *Decoder) DecodeBatch(req Request) ([]events.Event, error) {
	return u.d.DecodeAll(req, "send an array: ["+hint[len("send "):]+"]", u.read)
}

func (u *Decoder) read(ev *events.Event) events.Refusal {
	u.ev, u.kind, u.website, u.payload, u.data = ev, "", "", 0, 0
	where, f := u.d.Members(u.outer)
	if f == scan.None && u.payload == 0 {
		return events.Refusal{Code: "no_payload", Reason: "an event needs \"payload\""}
	}
	if f == scan.None {
		u.d.Pos = u.payload - 1
		where, f = u.d.Members(u.member)
	}
	if f == scan.None && u.data != 0 {
		u.d.Pos = u.data - 1
		where, f = u.own()
	}
	if ev.Name == "" {
		ev.Name = nameOf(u.kind)
	}
	if key := u.d.Request.Key; f == scan.None && key != "" && u.website != "" && u.website != key {
		return events.Refusal{Code: "other_website", Reason: "the website is not that of the request's first event, whose key is theirs: send it in another request"}
	}
	return f.Refusal(where)
}

// outer reads a member beside the payload.
func (u *Decoder) outer(key string) (f scan.Flaw) {
	switch key {
	case "type":
		u.kind, f = u.d.OptionalText(events.MaxName)
		return f
	case "payload":
		return u.d.Later(&u.payload)
	}
	return u.d.Property(key, "request_")
}

// nameOf is the name of an event that has none of its own.
func nameOf(kind string) string {
	if kind == "" || kind == "event" {
		return "pageview"
	}
	return kind
}

// member reads a member of the payload.
func (u *Decoder) member(key string) (f scan.Flaw) {
	switch key {
	case "name":
		u.ev.Name, f = u.d.OptionalText(events.MaxName)
	case "id":
		u.ev.UserID, f = u.d.OptionalText(events.MaxSubject)
	case "timestamp":
		f = u.time()
	case "website":
		if u.website, f = u.d.OptionalText(events.MaxID); f == scan.None && u.website != "" && u.d.Request.Key == "" {
			f = u.d.Add(key, events.Value{Kind: events.Text, Text: u.website})
		}
	case "data":
		f = u.d.Later(&u.data)
	case "userAgent":
		f = u.d.Property(hit.UserAgent, "payload_")
	default:
		f = u.d.Property(key, "payload_")
	}
	return f
}

// time reads the seconds since 1970.
func (u *Decoder) time() scan.Flaw {
	var v events.Value
	if f := u.d.Value(&v, 2); f != scan.None {
		return f
	}
	if v.Kind == events.Text {
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			return scan.BadTime
		}
		v = events.Value{Kind: events.Int, Int: n}
	}
	const most = 1 << 34 // seconds: 544 years
	switch {
	case v.Kind == events.Null:
		return scan.None
	case v.Kind != events.Int:
		return scan.BadTime
	case v.Int > most || v.Int < -most || !scan.InRange(v.Int*1_000_000):
		return scan.TimeRange
	}
	u.ev.Time, u.ev.MadeTime = v.Int*1_000_000, false
	return scan.None
}

// own adds what the program says of an event, or of a visitor: the members of an object
// one by one, anything else as "data".
func (u *Decoder) own() (where string, f scan.Flaw) {
	if u.d.Peek() == '{' {
		return u.d.Members(func(key string) scan.Flaw { return u.d.Property(key, "data_") })
	}
	return "data", u.d.Property("data", "payload_")
}

// Key returns the website's id, of an array that of the first event, or nothing.
func Key(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	if r.Next('[') {
		r.Space()
	}
	if !r.Lookup(r.Pos, "payload") {
		return ""
	}
	return r.TextOf(r.Pos, "website", events.MaxID)
}
