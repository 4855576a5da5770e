// Package posthog reads what PostHog's clients send: captures one by one, in arrays and in
// batches (v0), and batches of the newer capture protocol (v1).
//
// What its clients send, as seen of posthog-node 5.70:
//   - v0 POSTs {"api_key", "batch", "sent_at"} to /batch/, gzipped, with the project's token
//     in the body alone. The uuid of an event is made once and sent again at each try; sent_at
//     is made anew, so that a corrected time differs by milliseconds;
//   - v0 reads no body of an answer. It tries again after 408, 429, 5xx and broken connections,
//     three times, three seconds apart, whatever Retry-After says; a 413 halves the batches;
//     after any other status the batch is lost, and so it is once the tries are used up, unless
//     it was the connection that broke;
//   - v1 (POSTHOG_CAPTURE_MODE=v1) POSTs {"created_at", "batch"} to /i/v1/analytics/events with
//     the token as a bearer, the library and the time of the try in headers, and in each
//     event session_id, window_id and options, which v0 has among the properties. It reads each event's
//     result, and sends those to "retry" again; a "drop" is told to the program. It tries
//     again after 404, 408, 429 and 5xx, heeding Retry-After; 413 is the end of a batch;
//   - posthog-js POSTs one event or an array of them to /e/ or /i/v0/e/, with the token among
//     the properties, gzipped without saying so in a header, or as a form of base64. What its
//     oldest releases did, lz-string, no release of today does, and it is not read.
package posthog

import (
	"bytes"
	"encoding/base64"
	"net/url"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Request is what arrived.
type Request struct {
	Body    []byte // decompressed
	Arrived int64  // UTC microseconds
	Sent    int64  // by the sender's clock, where the body does not say; zero: unknown
	Library string // "name/version", where the events do not say; may be empty
}

// Decoder decodes requests. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	in batch.Reader
	m  message
}

// Decode returns the events of a request. One that cannot be stored is among them, with
// Refused set. A body that is neither an event nor many, or cannot be told apart into
// events, is fault.Invalid; more events than one request may have, or larger ones in all
// with the library's name, are fault.TooLarge. Events share memory with the request and the Decoder: they are valid until the next
// Decode.
func (d *Decoder) Decode(req Request) ([]events.Event, error) {
	body, err := plain(req.Body)
	if err != nil {
		return nil, err
	}
	d.in.Reset(body, req.Arrived)
	d.m.begin(&d.in.Reader, req, key(body))
	if d.in.Peek() == '[' {
		err = d.in.Array(hint, d.message)
	} else {
		err = d.object()
	}
	if err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

const hint = `send {"api_key": "...", "batch": [...]}`

// object reads a body that is an event or a batch.
func (d *Decoder) object() error {
	start, end, err := d.in.Object(hint)
	if err != nil {
		return err
	}
	if d.in.Lookup(start, "sent_at") {
		d.m.sent = clock(&d.in.Reader, d.m.sent)
	}
	if !d.in.Lookup(start, "batch") {
		return d.message(start, end)
	}
	if d.in.Peek() != '[' {
		return fault.New(fault.Invalid, "no_batch", "\"batch\" is no array").WithHint(hint)
	}
	return d.in.Elements(d.message)
}

// message appends the event of the message from start to end.
func (d *Decoder) message(start, end int) error {
	ev := d.in.Event(start)
	if refusal := d.m.read(ev); refusal != none {
		d.in.Refuse(ev, refusal, start, end, d.in.TextOf(start, keys[fieldID], events.MaxID), d.in.TextOf(start, keys[fieldName], events.MaxName))
		d.m.lent = 0
	}
	return d.in.Done(ev, d.m.lent)
}

// clock reads the sender's clock at Pos; one that cannot be read corrects nothing more
// than what was known.
func clock(r *scan.Reader, known int64) int64 {
	at, f := scan.Time(r.ShortText(events.MaxID))
	if f != scan.None {
		return known
	}
	return at
}

// form is how a body begins that is a form with JSON in base64.
var form = []byte("data=")

// plain returns the JSON of a body.
func plain(body []byte) ([]byte, error) {
	encoded, ok := bytes.CutPrefix(body, form)
	if !ok {
		return body, nil
	}
	encoded, _, _ = bytes.Cut(encoded, []byte("&"))
	text, err := url.QueryUnescape(string(encoded))
	if err == nil {
		body, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_encoding", "the form's data is not base64").WithHint("send JSON, gzipped or as it is").Because(err)
	}
	return body, nil
}

// Key returns the write key that stands in a body, or nothing.
func Key(body []byte) string {
	body, err := plain(body)
	if err != nil {
		return ""
	}
	return key(body)
}

// key finds a key beside the batch or in the first event, in each place where a client of
// PostHog has it.
func key(body []byte) string {
	var r scan.Reader
	r.Reset(body)
	start := 0
	if r.Next('[') {
		r.Space()
		start = r.Pos
	}
	for _, name := range [...]string{"api_key", "token"} {
		if r.Lookup(start, name) {
			return r.ShortText(events.MaxID)
		}
	}
	if !r.Lookup(start, "properties") {
		return ""
	}
	return r.TextOf(r.Pos, "token", events.MaxID)
}
