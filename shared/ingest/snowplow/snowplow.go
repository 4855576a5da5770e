// Package snowplow reads what Snowplow's trackers send by version 2 of the tracker protocol:
// many events in one body, or one in the query of an address.
//
// What they send, as seen of @snowplow/node-tracker 4.8:
//   - {"schema": "iglu:…/payload_data/…", "data": [event…]} to postPath, of at most
//     maxPostBytes (40,000) unless one event is larger. Every value of an event is text;
//     nested JSON is base64 for URLs (ue_px, cx), or as it is (ue_pr, co);
//   - the eid of an event is made once and sent again at each try. The stm, when it was
//     sent, is made anew, so that a corrected time differs by milliseconds;
//   - with eventMethod "get" it asks for /i?… with one event, its values percent-encoded and
//     the contexts last;
//   - it knows no key: customHeaders may have one, or postPath a query;
//   - it reads no more of an answer than the status. Any 2xx ends a batch; 400, 401, 403,
//     410 and 422 lose it; after any other status, and when the connection breaks, it stays
//     and is sent whole with the next flush, without a pause of its own and whatever
//     Retry-After says. A 413, which these bodies are too small for, would be repeated;
//   - it keeps 1000 events at most, and forgets the oldest of more.
//
// An event without an eid, which no tracker of Snowplow's sends, is given an id, and a
// retry of it counts again.
package snowplow

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
)

// Decoder decodes requests. Keep it from one to the next. It is not safe for concurrent
// use.
type Decoder struct {
	in    batch.Reader
	m     message
	query []byte // the event of a query, as JSON
}

const hint = `send {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [...]}`

// Decode returns the events of a body. One that cannot be stored is among them, with
// Refused set. A body without an array of data, or that cannot be told apart into events,
// is fault.Invalid; more events than one request may have are fault.TooLarge. Arrived is
// the time of the request in UTC microseconds. Events share memory with the body and the
// Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(body []byte, arrived int64) ([]events.Event, error) {
	d.reset(body, arrived)
	start, _, err := d.in.Object(hint)
	if err != nil {
		return nil, err
	}
	if !d.in.Lookup(start, "data") || d.in.Peek() != '[' {
		return nil, fault.New(fault.Invalid, "no_data", "the body has no array \"data\"").WithHint(hint)
	}
	if err := d.in.Elements(d.event); err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

// DecodeQuery returns the event that the query of an address is, without the parameter
// that holds the key. A query without another parameter is fault.Invalid. What is no
// percent-encoding of a text is taken as it stands.
func (d *Decoder) DecodeQuery(query, key string, arrived int64) ([]events.Event, error) {
	out := append(d.query[:0], '{')
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name = decoded(name); name == "" || name == key {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(events.Value{Kind: events.Text, Text: name}.AppendJSON(out), ':')
		out = events.Value{Kind: events.Text, Text: decoded(value)}.AppendJSON(out)
	}
	if len(out) == 1 {
		return nil, fault.New(fault.Invalid, "no_event", "the query holds no event").WithHint("send ?e=pv&eid=...")
	}
	d.query = append(out, '}')
	d.reset(d.query, arrived)
	if err := d.event(0, len(d.query)); err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

// decoded undoes the percent-encoding of a text, unless that leaves no text.
func decoded(text string) string {
	switch plain, err := url.QueryUnescape(text); {
	case err == nil && utf8.ValidString(plain):
		return plain
	case !utf8.ValidString(text):
		return url.QueryEscape(text)
	}
	return text
}

func (d *Decoder) reset(body []byte, arrived int64) {
	d.in.Reset(body, arrived)
	d.m.r, d.m.arrived = &d.in.Reader, arrived
	if cap(d.m.plain) > maxKept {
		d.m.plain = nil
	}
	d.m.plain = d.m.plain[:0]
}

// maxKept bounds the bytes that a Decoder keeps for nested JSON.
const maxKept = 1 << 20

// event appends the event that stands from start to end.
func (d *Decoder) event(start, end int) error {
	ev := d.in.Event(start)
	if refusal := d.m.read(ev); refusal != none {
		d.in.Refuse(ev, refusal, start, end, d.in.TextOf(start, "eid", events.MaxID), nameOf(d.in.TextOf(start, "e", events.MaxName)))
	}
	return d.in.Done(ev, 0)
}
