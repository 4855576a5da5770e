// Package plausible reads what Plausible's trackers send: one event a request.
//
// What they send, as seen of plausible-tracker 0.3.9 and of Plausible's reference of its
// events API: an object to /api/event, as text/plain where a browser sends it, with short
// names (n, u, d, r, w, h, and props as text in p) from the tracker and long ones from
// servers. The tracker tells its program the status and tries nothing again: an event
// that does not arrive is lost.
//
// # Identity
//
// The protocol gives an event neither id nor time. An id is made, the time is that of the
// arrival, and an event that is sent twice counts twice.
package plausible

import (
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/hit"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Request is what arrived.
type Request = hit.Request

// Decoder decodes requests. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	d     hit.Decoder
	ev    *events.Event
	props int // place of the event's own properties, plus 1
	plain []byte
}

// names are the long ones of members.
var names = map[string]string{
	"n": "name", "u": "url", "d": "domain", "r": "referrer", "w": "screen_width", "h": "hash_mode", "p": "props", "m": "props", "meta": "props", "$": "revenue",
	"i": "interactive", "v": "tracker_version", "sd": "scroll_depth", "e": "engagement_time",
}

// Decode returns the event of a request, with Refused set if it cannot be stored. A body
// that is no object is fault.Invalid. The event shares memory with the request and the
// Decoder: it is valid until the next Decode.
func (p *Decoder) Decode(req Request) ([]events.Event, error) {
	return p.d.Decode(req, `send {"name": "pageview", "url": "https://...", "domain": "..."}`, p.read)
}

func (p *Decoder) read(ev *events.Event) events.Refusal {
	p.ev, p.props = ev, 0
	start := p.d.Pos
	refusal := p.d.Members(p.member)
	if refusal == hit.None && p.props != 0 {
		p.d.Pos = p.props - 1
		refusal = p.own()
	}
	p.d.Pos = start
	if refusal == hit.None && ev.Name == "" {
		refusal = events.Refusal{Code: "no_event_name", Reason: "an event needs \"name\""}
	}
	return refusal
}

func (p *Decoder) member(key string) (f scan.Flaw) {
	name := key
	if long, ok := names[key]; ok {
		name = long
	}
	switch name {
	case "name":
		if p.ev.Name != "" {
			return scan.Duplicate
		}
		p.ev.Name, f = p.d.OptionalText(events.MaxName)
	case "props":
		if p.props != 0 {
			return scan.Duplicate
		}
		p.props = p.d.Pos + 1
		f = p.d.Pass()
	case "revenue":
		f = p.revenue()
	case "domain":
		var v events.Value
		if f = p.d.Value(&v, 1); f == scan.None && (v.Text != p.d.Request.Key || v.Kind != events.Text) {
			f = p.d.Add(name, v)
		}
	default:
		f = p.d.Property(name, "event_")
	}
	return f
}

// revenue adds amount and currency each, so that the one can be summed by the other.
func (p *Decoder) revenue() scan.Flaw {
	if p.d.Peek() != '{' {
		return p.d.Property("revenue", "event_")
	}
	p.d.Next('{')
	for first := true; ; first = false {
		more, f := p.d.Member(first)
		if f != scan.None || !more {
			return f
		}
		key, f := p.d.Key()
		if f == scan.None {
			f = p.d.Property("revenue_"+key, "event_")
		}
		if f != scan.None {
			return f
		}
	}
}

// own adds the event's own properties: an object, or, as the tracker has it, the text of
// one.
func (p *Decoder) own() events.Refusal {
	if p.d.Null() {
		return hit.None
	}
	each := func(key string) scan.Flaw { return p.d.Property(key, "props_") }
	if p.d.Peek() == '{' {
		return p.d.Members(each)
	}
	var v events.Value
	if f := p.d.Value(&v, 1); f != scan.None {
		return f.Refusal("props")
	}
	if v.Kind != events.Text || !strings.HasPrefix(v.Text, "{") {
		if f := p.d.Add("props", v); f != scan.None {
			return f.Refusal("props")
		}
		return hit.None
	}
	text := p.d.Text
	p.plain = append([]byte(nil), v.Text...)
	p.d.Text, p.d.Pos = p.plain, 0
	refusal := p.d.Members(each)
	if refusal == hit.None && p.d.Space() {
		refusal = scan.Syntax.Refusal("props")
	}
	p.d.Text = text
	return refusal
}

// Key returns the domain, which may be a write key, or nothing.
func Key(body []byte) string {
	for _, name := range [...]string{"d", "domain"} {
		var r scan.Reader
		r.Reset(body)
		if !r.Lookup(0, name) {
			continue
		}
		if key, f := r.OptionalText(events.MaxID); f == scan.None {
			return key
		}
	}
	return ""
}
