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
		key: inAddress,
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

// snowplowPixel is what Snowplow's trackers speak that can only GET. The key is no
// parameter of the event.
func snowplowPixel() protocol {
	p := snowplowTracker()
	p.route, p.accepts = route.SnowplowPixel, nil
	p.decode = func(m message) ([]events.Event, func(), error) {
		d := snowplowDecoders.Get().(*snowplow.Decoder)
		sent, err := d.DecodeQuery(m.URL.RawQuery, keyParam, m.arrived)
		return sent, func() { snowplowDecoders.Put(d) }, err
	}
	p.answer = writePixel
	return p
}

// pixel is the smallest transparent GIF.
var pixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// writePixel answers with a pixel that no browser keeps: it would not ask again.
func writePixel(w http.ResponseWriter, _ message, _ []events.Event) error {
	w.Header().Set("Content-Type", "image/gif")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write(pixel)
	return err
}
