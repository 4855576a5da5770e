// Package plausible reads what Plausible's trackers send: one event a request.
//
// What they send is an object to /api/event, as text/plain where a browser sends it:
//   - plausible-tracker 0.3.9 (npm) has short names: n, u, d, r, w, h, and props as the text
//     of an object in p;
//   - Plausible's own script has n, u, d, r and h, its version in v, props as an object in p,
//     revenue in $, i: false for what is no interaction, and sends events "engagement" with
//     how far one scrolled (sd) and how long one stayed (e); older ones have meta as text in m;
//   - servers have the names of the reference: name, url, domain, referrer, props, revenue,
//     interactive. Plausible's server takes hashMode and meta, too, and a whole number for a
//     name (404).
//
// The trackers tell their program the status and try nothing again: an event that does not
// arrive is lost. Plausible answers 202 "ok" (its reference says {}), also of what it drops,
// and 400 of what it cannot take.
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
}

// names are the long ones of members.
var names = map[string]string{
	"n": "name", "u": "url", "d": "domain", "r": "referrer", "w": "screen_width", "h": "hash_mode", "p": "props", "m": "props", "meta": "props", "$": "revenue",
	"hashMode": "hash_mode", "i": "interactive", "v": "tracker_version", "sd": "scroll_depth", "e": "engagement_time",
}

// Decode returns the event of a request, with Refused set if it cannot be stored. A body
// that is no object is fault.Invalid. The event shares memory with the request and the
// Decoder: it is valid until the next Decode.
func (p *Decoder) Decode(req Request) ([]events.Event, error) {
	return p.d.Decode(req, `send {"name": "pageview", "url": "https://...", "domain": "..."}`, p.read)
}

func (p *Decoder) read(ev *events.Event) events.Refusal {
	p.ev, p.props = ev, 0
	where, f := p.d.Members(p.member)
	refusal := f.Refusal(where)
	if refusal == hit.None && p.props != 0 {
		p.d.Pos = p.props - 1
		refusal = p.own()
	}
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
		p.ev.Name, f = p.d.ID(events.MaxName)
	case "props":
		f = p.d.Later(&p.props)
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
	_, f := p.d.Members(func(key string) scan.Flaw { return p.d.Property("revenue_"+key, "event_") })
	return f
}

// own adds the event's own properties: an object, or, as the tracker has it, the text of
// one.
func (p *Decoder) own() events.Refusal {
	if p.d.Null() {
		return hit.None
	}
	each := func(key string) scan.Flaw { return p.d.Property(key, "props_") }
	if p.d.Peek() == '{' {
		where, f := p.d.Members(each)
		return f.Refusal(where)
	}
	var v events.Value
	if f := p.d.Value(&v, 1); f != scan.None {
		return f.Refusal("props")
	}
	if v.Kind != events.Text || !strings.HasPrefix(v.Text, "{") {
		return p.d.Add("props", v).Refusal("props")
	}
	text := p.d.Text
	p.d.Text, p.d.Pos = []byte(v.Text), 0
	where, f := p.d.Members(each)
	if f == scan.None && p.d.Space() {
		where, f = "props", scan.Syntax
	}
	p.d.Text = text
	return f.Refusal(where)
}

// Key returns the domain, which may be a write key, or nothing.
func Key(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	for _, name := range [...]string{"d", "domain"} {
		if key := r.TextOf(0, name, events.MaxID); key != "" {
			return key
		}
	}
	return ""
}
