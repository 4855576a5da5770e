package ingest

import (
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/ingest/snowplow"
	"github.com/tarnhq/tarn/shared/route"
)

var snowplowDecoders = sync.Pool{New: func() any { return new(snowplow.Decoder) }}

// snowplowTracker is what Snowplow's trackers speak. The application's id is no key: it
// tells applications apart that share one.
func snowplowTracker() protocol {
	return protocol{
		route: route.Snowplow, accepts: map[string]any{},
		key: func(message) string { return "" }, // in the header or the address
		decode: func(m message) ([]events.Event, func(), error) {
			d := snowplowDecoders.Get().(*snowplow.Decoder)
			sent, err := d.Decode(m.body, m.arrived)
			return sent, func() { snowplowDecoders.Put(d) }, err
		},
		browser: bot.Rule{Texts: []bot.Text{{Property: "useragent"}}, Header: true},
		answer: func(w http.ResponseWriter, _ message, _ []events.Event) error {
			return writeText(w, http.StatusOK, "ok")
		},
	}
}
