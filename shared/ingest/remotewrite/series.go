package remotewrite

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// about is what metadata say of a metric.
type about struct {
	typ        uint64
	help, unit symbol
}

var types = [...]string{"", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"}

// described reads the metadata of a series.
func (d *Decoder) described() error {
	return d.in.Each(metadataV2, wire.All, func(n protowire.Number) (err error) {
		switch n {
		case 1:
			d.about.typ = d.in.Uint()
		case 3:
			d.about.help, err = d.refer()
		case 4:
			d.about.unit, err = d.refer()
		}
		return err
	})
}

// describe adds what is said of the metric of the event at hand.
func (d *Decoder) describe(kind string) {
	for _, l := range d.labels {
		if l.name.text == metricName {
			d.text("name", l.value.text)
			break
		}
	}
	typ := telemetry.Called(types[:], d.about.typ)
	if typ == "" && kind == kindHistogram {
		typ = kind
	}
	d.text("type", typ)
	d.text("unit", d.about.unit.text)
	d.text("description", d.about.help.text)
}

// began adds when the series began, in milliseconds, as the event or else the series says.
func (d *Decoder) began(at int64) {
	if at == 0 {
		at = d.begun
	}
	switch {
	case at == 0:
	case at > -maxMillis && at < maxMillis:
		d.add("start_time_unix_nano", events.Value{Kind: events.Int, Int: at * 1_000_000})
	default:
		d.add("start_time_unix_ms", events.Value{Kind: events.Int, Int: at})
	}
}

func (d *Decoder) sample() error {
	var at, begun int64
	valued := false
	err := d.in.Each(sample, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			d.number("value")
			valued = true
		case 2:
			at = d.in.Int()
		case 3:
			begun = d.in.Int()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !valued { // protobuf leaves out what is 0
		d.add("value", events.Value{Kind: events.Float})
	}
	d.began(begun)
	return d.event("metric", kindSample, at, nil)
}

// exemplar reads an exemplar: an event "exemplar" with the labels of its series and its own.
func (d *Decoder) exemplar() error {
	var at int64
	var labels []pair
	var name symbol
	half, valued := false, false
	s := exemplarV1
	if d.v2 {
		s = exemplarV2
	}
	err := d.in.Each(s, wire.All, func(n protowire.Number) (err error) {
		switch {
		case n == 1 && d.v2:
			labels, name, half, err = d.referred(labels, name, half)
		case n == 1:
			err = d.label(&labels)
		case n == 2:
			d.number("value")
			valued = true
		case n == 3:
			at = d.in.Int()
		}
		return err
	})
	if err != nil {
		return err
	}
	if half {
		return d.in.Broken("a label has a name and no value")
	}
	if !valued {
		d.add("value", events.Value{Kind: events.Float})
	}
	return d.event("exemplar", kindExemplar, at, labels)
}

// metadata reads what version 1 says of a metric: an event "metadata".
func (d *Decoder) metadata() error {
	d.labels, d.about, d.begun = d.labels[:0], about{}, 0
	var name symbol
	err := d.in.Each(metadataV1, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			d.about.typ = d.in.Uint()
		case 2:
			name = d.taken()
		case 4:
			d.about.help = d.taken()
		case 5:
			d.about.unit = d.taken()
		}
		return nil
	})
	if err != nil {
		return err
	}
	typ := symbol{text: strconv.FormatUint(d.about.typ, 10)}
	id := []pair{{name, typ}, {d.about.help, d.about.unit}}
	d.labels = append(d.labels, pair{symbol{text: metricName}, name})
	n := len(d.in.Events)
	err = d.event("metadata", kindMetadata, d.in.Arrived/1000, nil)
	if n < len(d.in.Events) { // it says no time, and is the same whenever it is said
		d.labels = d.labels[:0]
		d.in.Events[n].ID, d.in.Events[n].Time, d.in.Events[n].MadeTime = d.id(kindMetadata, 0, id), d.in.Arrived, true
	}
	return err
}
