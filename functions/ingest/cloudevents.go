package ingest

import (
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/cloudevents"
	"github.com/tarnhq/tarn/shared/route"
)

var cloudEventDecoders = sync.Pool{New: func() any { return new(cloudevents.Decoder) }}

// cloudEvents is the HTTP binding of CloudEvents. It has no answer of its own, so that
// the receipt is Tarn's: whoever reads it learns each event's fate.
func cloudEvents() protocol {
	return protocol{
		route: route.SendCloudEvents, accepts: map[string]any{}, returns: receipt{},
		key: inAddress,
		decode: func(m message) ([]events.Event, func(), error) {
			d := cloudEventDecoders.Get().(*cloudevents.Decoder)
			sent, err := d.Decode(m.Header, m.body, m.URL.Query().Get("user_id"), m.arrived)
			return sent, func() { cloudEventDecoders.Put(d) }, err
		},
		answer: func(w http.ResponseWriter, _ message, sent []events.Event) error { return writeAnswer(w, sent) },
	}
}
