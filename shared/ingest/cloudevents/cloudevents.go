// Package cloudevents reads CloudEvents as the HTTP protocol binding 1.0 sends them: in
// binary mode (attributes are headers, the body is the data), in structured mode (the
// body is the event as JSON), and in batches.
//
// What its SDKs send, as seen of cloudevents 10.0 of npm and of sdk-go 2.16:
//   - both send binary and structured events, Go's also batches; each event has an id
//     that stays the same when it is sent again, and is unique within its source by the
//     specification: both together are the event's identity here;
//   - neither percent-encodes headers, which the binding demands. What is no UTF-8 once
//     it is decoded is refused: Node sends "é" as Latin-1;
//   - Go's calls any 2xx success and reads no body. It tries again only where the program
//     asks for that: after 404, 413, 425, 429, 502, 503 and 504 and broken connections,
//     with its own pauses: Retry-After is not heeded. The others it gives up;
//   - npm's transport resolves whatever the status is, and tries nothing again: who
//     cares sends its messages with something else.
//
// Since a refusal would have the event lost, or tried in vain for ever, an event that
// cannot be stored is acknowledged and quarantined.
package cloudevents

import (
	"net/http"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
)

// Media types of what a body is. Any other body is the data of an event in binary mode.
const (
	Structured = "application/cloudevents+json"
	Batch      = "application/cloudevents-batch+json"

	prefix = "application/cloudevents"
)

// Decoder decodes requests. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	in batch.Reader
	m  message
}

// Decode returns the events of a request. One that cannot be stored is among them, with
// Refused set. User names the attribute that is the user's id, such as "subject"; empty:
// none is. Arrived is the time of the request in UTC microseconds.
//
// A body of JSON that is called by another name is one in structured mode too, or a batch,
// unless headers say that it is data. A request that is no CloudEvent, or whose body cannot be told apart into events, is
// fault.Invalid; more events than one request may have are fault.TooLarge. Events share
// memory with the header, the body and the Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(header http.Header, body []byte, user string, arrived int64) ([]events.Event, error) {
	d.in.Reset(body, arrived)
	d.m = message{r: &d.in.Reader, other: d.m.other[:0], user: user, arrived: arrived}
	var err error
	switch media := mediaType(header.Get("Content-Type")); {
	case media == Batch:
		err = d.in.Array("a body of "+Batch+" is an array of events", d.event)
	case media == Structured || media == prefix:
		err = d.structured()
	case strings.HasPrefix(media, prefix):
		err = fault.New(fault.Invalid, "unsupported_format", "CloudEvents as %.80q are not understood", media).
			WithHint("send them as " + Structured + ", as " + Batch + ", or in binary mode")
	case header.Get("Ce-Specversion") != "" || header.Get("Ce-Id") != "":
		err = d.binary(header)
	case d.in.Peek() == '{': // with the name of plain JSON, or of what curl calls a body
		err = d.structured()
	case d.in.Peek() == '[':
		err = d.in.Array("a body of "+Batch+" is an array of events", d.event)
	default:
		err = fault.New(fault.Invalid, "not_a_cloudevent", "the request has neither the headers of a CloudEvent nor a body of them").
			WithHint("send the headers ce-specversion, ce-id, ce-source and ce-type with the data, or a body of " + Structured)
	}
	if err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// structured reads a body that is one event.
func (d *Decoder) structured() error {
	start, end, err := d.in.Object("a body of " + Structured + " is one object")
	if err != nil {
		return err
	}
	return d.event(start, end)
}

// event appends the event that stands from start to end.
func (d *Decoder) event(start, end int) error {
	ev := d.in.Event(start)
	if refusal := d.m.read(ev); refusal != none {
		id := identity(d.in.TextOf(start, keys[fieldSource], events.MaxEvent), d.in.TextOf(start, keys[fieldID], events.MaxEvent))
		d.in.Refuse(ev, refusal, start, end, id, d.in.TextOf(start, keys[fieldType], events.MaxEvent))
	}
	return d.in.Done(ev, 0)
}
