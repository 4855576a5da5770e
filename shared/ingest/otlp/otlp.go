// Package otlp reads the requests of OpenTelemetry's protocol over HTTP, in protobuf and
// in JSON, so that producers that speak it can send to us unmodified.
//
// What its exporters do, as seen of @opentelemetry/exporter-{logs,metrics,trace}-otlp-http
// and -proto 0.223 and of Go's otlploghttp, otlpmetrichttp and otlptracehttp:
//   - they encode a batch once, so that each retry sends the same bytes, compressed or not;
//   - they try again after 429, 502, 503 and 504 alone, and heed Retry-After in seconds:
//     JavaScript's wait exactly as long (five times, within 10 s in all), Go's at least so
//     long (within a minute). What is answered otherwise is lost, 500 and 413 included;
//   - after a connection that broke, JavaScript's try again; Go's give the batch up, and
//     tell whoever exports;
//   - of a partial success they log the message, and send nothing again;
//   - Go's read an answer only if its content type is exactly application/x-protobuf, and
//     take a body that they cannot read for a failure.
//
// # Identity
//
// A span is known by its trace and its own id, a point of a metric by its series (what it
// says of itself but for its values) and its time: they are recognized whatever they are
// sent with. A log record has no identity in the protocol: it is known by the request's
// bytes, decompressed, and its place in it. That recognizes an exporter's retry, and
// misses what something between took apart and put together otherwise, as a collector
// does that restarts between two tries: such a record counts again. Two requests that are
// equal in every byte are one, though they may have been two; they have times in
// nanoseconds. Spans whose ids are missing or malformed are known as log records are.
package otlp

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// Signal is what a request holds.
type Signal uint8

// The signals.
const (
	Logs Signal = iota
	Metrics
	Traces
)

// Decoder decodes requests. Keep it from one to the next. It is not safe for concurrent
// use.
type Decoder struct {
	in      telemetry.Reader
	signal  Signal
	request string // what the events without an identity are known by

	own    []telemetry.Property // of the event at hand: what the protocol has fields for
	others []telemetry.Property // what producers name: attributes, also of the resource and the scope
	level
	key []byte // of the series at hand
}

// level is what the events of a resource, or of a scope or metric, have in common.
type level struct {
	ownCount, othersCount    int // properties
	size                     int // of them, in bytes
	flaw                     scan.Flaw
	where                    string
	user, anonymous, session subject
}

// Decode returns the events of a request. One that cannot be stored is among them, with
// Refused set. Arrived is the time of the request in UTC microseconds. A body that is not
// the signal's request is fault.Invalid, and one with more events than a request may have,
// or with larger ones in all, fault.TooLarge. Events share memory with the body and the
// Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(signal Signal, json bool, body []byte, arrived int64) ([]events.Event, error) {
	d.own, d.others = d.own[:0], d.others[:0]
	d.signal, d.request, d.level = signal, "", level{}
	d.in.Reset(body, json, arrived)
	err := d.in.Whole(func() error {
		return d.in.Each(requests[signal], wire.All, func(protowire.Number) error { return d.resource() })
	})
	if err != nil {
		return nil, err
	}
	if d.request != "" {
		d.identify(body)
	}
	return d.in.Events, nil
}

// within runs do, after which things are as they were: what it says of a level is
// forgotten.
func (d *Decoder) within(do func() error) error {
	outer := d.level
	err := do()
	d.level = outer
	d.reset()
	return err
}

// reset drops what was said since the level began.
func (d *Decoder) reset() {
	d.own, d.others = d.own[:d.ownCount], d.others[:d.othersCount]
	d.in.Flaw, d.in.Where = d.flaw, d.where
}

// enter has what was said so far be of the level.
func (d *Decoder) enter() {
	d.ownCount, d.othersCount = len(d.own), len(d.others)
	d.flaw, d.where = d.in.Flaw, d.in.Where
}

// resource reads the signals of a resource.
func (d *Decoder) resource() error {
	const of, groups, schema = 1, 2, 3
	s := resources[d.signal]
	return d.within(func() error {
		all := d.in.Mark()
		err := d.in.Each(s, wire.Only(of, schema), func(n protowire.Number) error {
			if n == schema {
				d.text("resource.schema_url", d.in.Text)
				return nil
			}
			return d.in.Each(resource, wire.All, func(n protowire.Number) error {
				switch n {
				case 1:
					return d.attribute("resource.")
				case 2:
					d.count("resource.dropped_attributes_count")
				case 3:
					return d.entity()
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		d.list("resource.entity_refs", entities)
		d.enter()
		d.in.Back(all)
		return d.in.Each(s, wire.Only(groups), func(protowire.Number) error { return d.scope() })
	})
}

// scope reads the signals of an instrumentation scope.
func (d *Decoder) scope() error {
	const of, records, schema = 1, 2, 3
	s := scopes[d.signal]
	return d.within(func() error {
		all := d.in.Mark()
		err := d.in.Each(s, wire.Only(of, schema), func(n protowire.Number) error {
			if n == schema {
				d.text("scope.schema_url", d.in.Text)
				return nil
			}
			return d.in.Each(scope, wire.All, func(n protowire.Number) error {
				switch n {
				case 1:
					d.text("scope.name", d.in.Text)
				case 2:
					d.text("scope.version", d.in.Text)
				case 3:
					return d.attribute("scope.")
				case 4:
					d.count("scope.dropped_attributes_count")
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		d.enter()
		d.in.Back(all)
		return d.in.Each(s, wire.Only(records), func(protowire.Number) error { return d.record() })
	})
}

// record reads what a scope holds many of.
func (d *Decoder) record() error {
	switch d.signal {
	case Logs:
		return d.within(d.log)
	case Traces:
		return d.within(d.span)
	default:
		return d.within(d.metric)
	}
}

// pending is the id of an event until it is known that the request can be read.
const pending = "?"

// identify gives the events without an identity theirs.
func (d *Decoder) identify(body []byte) {
	sum := sha256.Sum256(body)
	for i := range d.in.Events {
		if d.in.Events[i].ID != pending {
			continue
		}
		from := len(d.in.Made)
		d.in.Made = hex.AppendEncode(d.in.Made, sum[:16])
		d.in.Made = append(d.in.Made, '-')
		d.in.Made = strconv.AppendInt(d.in.Made, int64(i), 10)
		d.in.Events[i].ID = wire.Share(d.in.Made[from:])
	}
}
