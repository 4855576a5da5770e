package ingest

import (
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/ingest/umami"
	"github.com/tarnhq/tarn/shared/route"
)

var umamiDecoders = sync.Pool{New: func() any { return new(umami.Decoder) }}

// hitBrowser is the rule of trackers whose request's User-Agent is the visitor's, also
// where a server sends it on. It is a property of the event already.
var hitBrowser = bot.Rule{Texts: []bot.Text{{Property: "user_agent"}}}

// umamiTracker is what Umami's trackers speak: the website's id is the write key.
func umamiTracker() protocol {
	return protocol{
		route: route.UmamiSend, accepts: map[string]any{}, returns: map[string]any{},
		key: func(m message) string { return umami.Key(m.body) },
		decode: func(m message) ([]events.Event, func(), error) {
			d := umamiDecoders.Get().(*umami.Decoder)
			sent, err := d.Decode(umami.Request{Body: m.body, Arrived: m.arrived, UserAgent: m.UserAgent(), Key: keyWithin(m, umami.Key)})
			return sent, func() { umamiDecoders.Put(d) }, err
		},
		browser: hitBrowser,
		answer:  written(`{}`),
	}
}

// keyWithin returns the key of a body whose sender is known by it, and nothing where the
// key stood elsewhere: what the body calls so is a property then.
func keyWithin(m message, key func([]byte) string) string {
	if m.Header.Get("Authorization") != "" || m.URL.Query().Get(keyParam) != "" {
		return ""
	}
	return key(m.body)
}
