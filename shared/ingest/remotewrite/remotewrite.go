// Package remotewrite reads the requests by which Prometheus, and the agents that speak
// its protocol, write samples elsewhere: remote write 2, and 1, which all fall back to.
//
// What its senders do, as seen of Prometheus' own client
// (client_golang/exp/api/remote) and of Prometheus 3:
//   - they encode a batch once, and send the same bytes, in snappy, on each retry;
//   - they try again after 5xx, and after 429 (Prometheus itself only where it is told
//     to: retry_on_http_429), and after a connection that broke, and heed Retry-After;
//     after any other 4xx the batch is lost;
//   - after 415 they take to version 1;
//   - of version 2 they compare the counts in the headers of the answer with what they
//     sent; a 2xx without them is taken for a receiver of version 1 that has read nothing.
//
// # Identity
//
// A sample, a histogram and an exemplar are known by their series, which is all of its
// labels, and their time, and an exemplar by its own labels, too: a value that is sent
// again for the same time does not replace the first. What version 1 says of metrics it
// says again each minute, without a time: it is known by what it says.
package remotewrite

import (
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// Decoder decodes requests. Keep it from one to the next. It is not safe for concurrent
// use.
type Decoder struct {
	in telemetry.Reader

	symbols []symbol
	v2      bool
	labels  []pair // of the series at hand
	about   about
	own     []telemetry.Property // of the event at hand
	begun   int64                // when the series at hand began, by itself: milliseconds, or 0
	key     []byte
}

// symbol is a text of version 2 that labels refer to.
type symbol struct {
	text string
	flaw scan.Flaw
}

type pair struct{ name, value symbol }

// Written counts what of a request can be stored.
type Written struct{ Samples, Histograms, Exemplars int }

// Count counts events that Decode has returned.
func Count(sent []events.Event) (w Written) {
	for i := range sent {
		if sent[i].Refused.Code != "" {
			continue
		}
		switch kind, _, _ := strings.Cut(sent[i].ID, "-"); kind {
		case kindSample:
			w.Samples++
		case kindHistogram:
			w.Histograms++
		case kindExemplar:
			w.Exemplars++
		}
	}
	return w
}

// The kinds of events, with which their ids begin.
const (
	kindSample    = "sample"
	kindHistogram = "histogram"
	kindExemplar  = "exemplar"
	kindMetadata  = "metadata"
)

const maxSymbols = scan.MaxEvents // of one request

// Decode returns the events of a request, of version 2 or 1. One that cannot be stored is
// among them, with Refused set. Arrived is the time of the
// request in UTC microseconds. A body that is no request, or refers to symbols that it
// does not have, is fault.Invalid, and one with too much in it fault.TooLarge. Events share
// memory with the body and the Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(v2 bool, body []byte, arrived int64) ([]events.Event, error) {
	d.symbols, d.own, d.v2 = d.symbols[:0], d.own[:0], v2
	d.in.Reset(body, false, arrived)
	read := d.requestV1
	if v2 {
		read = d.requestV2
	}
	if err := d.in.Whole(read); err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

// requestV2 reads the symbols first, wherever they are.
func (d *Decoder) requestV2() error {
	all := d.in.Mark()
	err := d.in.Each(requestV2, wire.Only(4), func(protowire.Number) error {
		d.symbols = append(d.symbols, d.taken())
		if len(d.symbols) > maxSymbols {
			return fault.New(fault.TooLarge, "too_many_symbols", "the body has more than %d symbols", maxSymbols).
				WithHint("send fewer samples at once: max_samples_per_send")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(d.symbols) > 0 && d.symbols[0].text != "" {
		return d.in.Broken("the first symbol must be empty")
	}
	d.in.Back(all)
	return d.in.Each(requestV2, wire.Only(5), func(protowire.Number) error { return d.series(seriesV2, readV2) })
}

func (d *Decoder) requestV1() error {
	return d.in.Each(requestV1, wire.All, func(n protowire.Number) error {
		if n == 3 {
			return d.metadata()
		}
		return d.series(seriesV1, readV1)
	})
}

// taken returns the text at hand with its flaw, which spoils those that refer to it alone.
func (d *Decoder) taken() symbol {
	s := symbol{d.in.Text, d.in.Flaw}
	d.in.Flaw, d.in.Where = scan.None, ""
	return s
}

// refer returns the symbol that the number at hand refers to.
func (d *Decoder) refer() (symbol, error) {
	if d.in.Uint() >= uint64(len(d.symbols)) {
		return symbol{}, d.in.Broken("a symbol is referred to that is not there")
	}
	return d.symbols[d.in.Uint()], nil
}

// parts are the numbers of what a series holds.
type parts struct{ labels, samples, histograms, exemplars, metadata, begun protowire.Number }

var (
	readV2 = parts{1, 2, 3, 4, 5, 6}
	readV1 = parts{labels: 1, samples: 2, histograms: 4, exemplars: 3, metadata: 31, begun: 31}
)

// series reads a series: what it says of itself first, wherever that is.
func (d *Decoder) series(s wire.Schema, p parts) error {
	all, odd := d.in.Mark(), symbol{}
	d.labels, d.about, d.begun = d.labels[:0], about{}, 0
	half := false
	err := d.in.Each(s, wire.Only(p.labels, p.metadata, p.begun), func(n protowire.Number) (err error) {
		switch {
		case n == p.metadata:
			return d.described()
		case n == p.begun:
			d.begun = d.in.Int()
			return nil
		case !d.v2:
			return d.label(&d.labels)
		}
		d.labels, odd, half, err = d.referred(d.labels, odd, half)
		return err
	})
	if err != nil {
		return err
	}
	if half {
		return d.in.Broken("a label has a name and no value")
	}
	d.in.Back(all)
	return d.in.Each(s, wire.Only(p.samples, p.histograms, p.exemplars), func(n protowire.Number) error {
		switch n {
		case p.samples:
			return d.sample()
		case p.histograms:
			return d.histogram()
		default:
			return d.exemplar()
		}
	})
}

// referred adds a label whose name and value are referred to one after the other.
func (d *Decoder) referred(all []pair, name symbol, half bool) ([]pair, symbol, bool, error) {
	s, err := d.refer()
	if err != nil || !half {
		return all, s, true, err
	}
	return listed(all, pair{name, s}), symbol{}, false, nil
}

func (d *Decoder) label(all *[]pair) error {
	var l pair
	err := d.in.Each(label, wire.All, func(n protowire.Number) error {
		if n == 1 {
			l.name = d.taken()
		} else {
			l.value = d.taken()
		}
		return nil
	})
	*all = listed(*all, l)
	return err
}

// listed adds a label; one more than an event may have spoils it, and more are not kept.
func listed(all []pair, l pair) []pair {
	if len(all) > events.MaxProperties {
		return all
	}
	return append(all, l)
}

// stale is the NaN by which Prometheus says that a series has ended.
const stale = 0x7ff0000000000002

// number adds a value. One that JSON has no number for is told by another name, so that
// columns of numbers stay such, and that of the end of a series by a third.
func (d *Decoder) number(name string) {
	v := wire.Number(d.in.Float())
	switch {
	case math.Float64bits(d.in.Float()) == stale:
		name, v = "stale", events.Value{Kind: events.Bool, Int: 1}
	case v.Kind == events.Text:
		name += "_text"
	}
	d.add(name, v)
}

func (d *Decoder) add(name string, v events.Value) {
	d.own = append(d.own, telemetry.Property{Name: name, Value: v})
}

func (d *Decoder) text(name, s string) {
	if s != "" {
		d.add(name, events.Value{Kind: events.Text, Text: s})
	}
}
