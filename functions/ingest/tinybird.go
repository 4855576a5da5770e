package ingest

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest/tinybird"
	"github.com/tarnhq/tarn/shared/route"
)

var tinybirdDecoders = sync.Pool{New: func() any { return new(tinybird.Decoder) }}

// appended is the answer of Tinybird's Events API.
type appended struct {
	Successful  int `json:"successful_rows"`
	Quarantined int `json:"quarantined_rows"`
}

// tinybirdEvents is Tinybird's Events API. Who may make datasets makes one by sending to
// it, as there.
func tinybirdEvents() protocol {
	return protocol{
		route: route.TinybirdEvents, accepts: map[string]any{}, returns: appended{}, create: true,
		key:     func(m message) string { return m.URL.Query().Get("token") },
		dataset: func(r *http.Request) dataset.Name { return dataset.Name(r.URL.Query().Get("name")) },
		decode: func(m message) ([]events.Event, func(), error) {
			d := tinybirdDecoders.Get().(*tinybird.Decoder)
			sent, err := d.Decode(string(m.into), m.body, m.arrived)
			return sent, func() { tinybirdDecoders.Put(d) }, err
		},
		answer: writeAppended,
	}
}

// writeAppended answers 202 to who does not wait, as Tinybird does, though the rows are
// on disk then, too.
func writeAppended(w http.ResponseWriter, m message, sent []events.Event) error {
	var rows appended
	for i := range sent {
		if sent[i].Refused == (events.Refusal{}) {
			rows.Successful++
		} else {
			rows.Quarantined++
		}
	}
	if wait := m.URL.Query().Get("wait"); wait != "true" && wait != "1" {
		w.WriteHeader(http.StatusAccepted)
	}
	_, err := fmt.Fprintf(w, `{"successful_rows":%d,"quarantined_rows":%d}`, rows.Successful, rows.Quarantined)
	return err
}
