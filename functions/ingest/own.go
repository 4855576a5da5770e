package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ingest/bot"
	"github.com/tarnhq/tarn/shared/route"
)

var decoders = sync.Pool{New: func() any { return new(ingest.Decoder) }}

// own is Tarn's own protocol.
func own() protocol {
	return protocol{
		route: route.SendEvents, accepts: []sentEvent{}, returns: receipt{},
		dataset: func(r *http.Request) dataset.Name { return dataset.Name(r.PathValue(route.DatasetParam)) },
		decode: func(m message) ([]events.Event, func(), error) {
			d := decoders.Get().(*ingest.Decoder)
			sent, err := d.Decode(m.body, m.arrived)
			return sent, func() { decoders.Put(d) }, err
		},
		browser: bot.Rule{Texts: []bot.Text{{Property: "user_agent"}}, Header: true},
		answer:  func(w http.ResponseWriter, _ message, sent []events.Event) error { return writeAnswer(w, sent) },
	}
}

// sentEvent is an event as it is sent, for the API reference.
type sentEvent struct {
	EventID     string         `json:"event_id,omitempty" maxLength:"256" doc:"without it a retry cannot be recognized"`
	Event       string         `json:"event" maxLength:"256" example:"page_viewed"`
	Time        time.Time      `json:"time,omitzero" doc:"when it happened; default: when it arrived"`
	UserID      string         `json:"user_id,omitempty" maxLength:"256"`
	AnonymousID string         `json:"anonymous_id,omitempty" maxLength:"256"`
	SessionID   string         `json:"session_id,omitempty" maxLength:"256"`
	Properties  map[string]any `json:"properties,omitempty" doc:"each becomes a column of its own name"`
}

// receipt tells what became of each event of a request, for the API reference.
type receipt struct {
	Accepted int         `json:"accepted" doc:"events that are stored durably, quarantined ones included"`
	Events   []eventFate `json:"events" doc:"in the order they were sent"`
	Hint     string      `json:"hint,omitempty"`
}

type eventFate struct {
	EventID string `json:"event_id" doc:"as sent, or the one made for it"`
	Fate    string `json:"fate" enum:"accepted,quarantined,dropped" doc:"dropped: by a step of the dataset's enrichment"`
	Code    string `json:"code,omitempty" doc:"why it was quarantined: stable" example:"no_event_name"`
	Reason  string `json:"reason,omitempty" doc:"why it was quarantined, for people"`
	MadeID  bool   `json:"made_id,omitempty" doc:"it was sent without an event_id, so that a retry cannot be recognized"`
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeAnswer writes an answer by hand: it is as long as many requests are.
func writeAnswer(w http.ResponseWriter, decoded []events.Event) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	out, made := append((*buffer)[:0], `{"accepted":`...), false
	out = strconv.AppendInt(out, int64(len(decoded)), 10)
	out = append(out, `,"events":[`...)
	for i := range decoded {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendFate(out, &decoded[i])
		made = made || decoded[i].MadeID
	}
	out = append(out, ']')
	if made {
		out = append(out, `,"hint":"events without an event_id were given one: if you send them again, they count again"`...)
	}
	*buffer = append(out, '}', '\n')
	w.Header().Set("Content-Length", strconv.Itoa(len(*buffer))) // sent in one piece, not in chunks
	_, err := w.Write(*buffer)
	return err
}

func appendFate(out []byte, e *events.Event) []byte {
	out = append(out, `{"event_id":`...)
	out = appendText(out, e.ID)
	switch {
	case e.Dropped != 0:
		out = append(out, `,"fate":"dropped"`...)
	case e.Refused == (events.Refusal{}):
		out = append(out, `,"fate":"accepted"`...)
	default:
		out = append(out, `,"fate":"quarantined","code":`...)
		out = appendText(out, e.Refused.Code)
		out = append(out, `,"reason":`...)
		out = appendText(out, e.Refused.Reason)
	}
	if e.MadeID {
		out = append(out, `,"made_id":true`...)
	}
	return append(out, '}')
}

// appendText appends a JSON text. Most ids need no escape.
func appendText(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // a string cannot fail
			return append(out, text...)
		}
	}
	return append(append(append(out, '"'), s...), '"')
}
