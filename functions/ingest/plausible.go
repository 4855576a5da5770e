package ingest

import (
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/plausible"
	"github.com/tarnhq/tarn/shared/route"
)

var plausibleDecoders = sync.Pool{New: func() any { return new(plausible.Decoder) }}

// plausibleTracker is what Plausible's trackers speak: the domain may be the write key.
func plausibleTracker() protocol {
	return protocol{
		route: route.PlausibleEvent, accepts: map[string]any{},
		key: func(m message) string { return plausible.Key(m.body) },
		decode: func(m message) ([]events.Event, func(), error) {
			d := plausibleDecoders.Get().(*plausible.Decoder)
			sent, err := d.Decode(plausible.Request{Body: m.body, Arrived: m.arrived, UserAgent: m.UserAgent(), Key: keyWithin(m, plausible.Key)})
			return sent, func() { plausibleDecoders.Put(d) }, err
		},
		browser: hitBrowser,
		answer: func(w http.ResponseWriter, _ message, _ []events.Event) error {
			return writeText(w, http.StatusAccepted, "ok")
		},
	}
}
