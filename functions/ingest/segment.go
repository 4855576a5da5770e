package ingest

import (
	"net/http"
	"strings"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/ingest/segmentapi"
	"github.com/tarnhq/tarn/shared/route"
)

// trackAnswer is what Segment-compatible SDKs expect.
type trackAnswer struct {
	Success bool `json:"success"`
}

var trackDecoders = sync.Pool{New: func() any { return new(segmentapi.Decoder) }}

// segment is Segment's tracking API.
func segment() (all []protocol) {
	for _, rt := range route.Track {
		call := callOf(rt.Path)
		all = append(all, protocol{
			route: rt, accepts: map[string]any{}, returns: trackAnswer{},
			key: func(m message) string { return segmentapi.WriteKey(m.body) },
			decode: func(m message) ([]events.Event, func(), error) {
				d := trackDecoders.Get().(*segmentapi.Decoder)
				sent, err := d.Decode(call, m.body, m.arrived)
				return sent, func() { trackDecoders.Put(d) }, err
			},
			browser: bot.Rule{Texts: []bot.Text{{Property: "context", Member: "userAgent"}}, Header: true},
			answer: func(w http.ResponseWriter, _ message, _ []events.Event) error {
				_, err := w.Write([]byte(`{"success":true}`))
				return err
			},
		})
	}
	return all
}

// callOf names the Segment call of a path.
func callOf(path string) segmentapi.Call {
	call := segmentapi.Call(path[strings.LastIndexByte(path, '/')+1:])
	if call == "b" {
		return segmentapi.Batch
	}
	return call
}
