// Package umami reads what Umami's trackers send: one event a request.
//
// What they send, as seen of @umami/node 0.4: {"type": "event" or "identify", "payload":
// {…}} to /api/send, with the website's id, which is the write key here. The name of an
// event is missing where a page was viewed. It hands its program the response as fetch
// returned it, and tries nothing again, so that what does not arrive is lost unless the
// program repeats it. The browser's tracker reads of an answer whether it is "disabled",
// and a "cache" to send back, and does without both.
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
}

// Decode returns the event of a request, with Refused set if it cannot be stored. A body
// that is no object is fault.Invalid. The event shares memory with the request and the
// Decoder: it is valid until the next Decode.
func (u *Decoder) Decode(req Request) ([]events.Event, error) {
	return u.d.Decode(req, `send {"type": "event", "payload": {"website": "...", "name": "..."}}`, u.read)
}

func (u *Decoder) read(ev *events.Event) events.Refusal {
	u.ev = ev
	start, kind, payload, data := u.d.Pos, "", 0, 0
	refusal := u.d.Members(func(key string) (f scan.Flaw) {
		switch key {
		case "type":
			kind, f = u.d.OptionalText(events.MaxName)
			return f
		case "payload":
			if payload != 0 {
				return scan.Duplicate
			}
			payload = u.d.Pos + 1
			return u.d.Pass()
		}
		return u.d.Property(key, "request_")
	})
	if refusal != hit.None {
		return refusal
	}
	if payload == 0 {
		return events.Refusal{Code: "no_payload", Reason: "an event needs \"payload\""}
	}
	u.d.Pos = payload - 1
	refusal = u.d.Members(func(key string) scan.Flaw {
		if key == "data" {
			if data != 0 {
				return scan.Duplicate
			}
			data = u.d.Pos + 1
			return u.d.Pass()
		}
		return u.member(key)
	})
	if refusal == hit.None && data != 0 {
		u.d.Pos = data - 1
		refusal = u.data()
	}
	u.d.Pos = start
	if ev.Name == "" {
		ev.Name = nameOf(kind)
	}
	return refusal
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
		var v events.Value
		if f = u.d.Value(&v, 2); f == scan.None && (v.Text != u.d.Request.Key || v.Kind != events.Text) {
			f = u.d.Add(key, v)
		}
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

// data adds what the program says of an event, or of a visitor: the members of an object
// one by one, anything else as "data".
func (u *Decoder) data() events.Refusal {
	if u.d.Peek() == '{' {
		return u.d.Members(func(key string) scan.Flaw { return u.d.Property(key, "data_") })
	}
	if f := u.d.Property("data", "payload_"); f != scan.None {
		return f.Refusal("data")
	}
	return hit.None
}

// Key returns the website's id, or nothing.
func Key(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	if !r.Lookup(0, "payload") || !r.Lookup(r.Pos, "website") {
		return ""
	}
	key, f := r.OptionalText(events.MaxID)
	if f != scan.None {
		return ""
	}
	return key
}
