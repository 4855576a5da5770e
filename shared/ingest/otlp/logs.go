package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// log reads a log record: an event by its own name, or else "log".
func (d *Decoder) log() error {
	name, at, observed := "log", uint64(0), uint64(0)
	err := d.in.Each(logRecord, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			at = d.in.Uint()
			d.count("time_unix_nano")
		case 2:
			d.count("severity_number")
		case 3:
			d.text("severity_text", d.in.Text)
		case 5:
			v, err := d.value()
			d.add("body", v)
			return err
		case 6:
			return d.attribute("")
		case 7:
			d.count("dropped_attributes_count")
		case 8:
			d.count("flags")
		case 9:
			d.text("trace_id", known(d.in.Text))
		case 10:
			d.text("span_id", known(d.in.Text))
		case 11:
			observed = d.in.Uint()
			d.count("observed_time_unix_nano")
		case 12:
			d.said("event_name", events.Value{Text: d.in.Text})
			if d.in.Text != "" {
				name = d.in.Text
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if at == 0 {
		at = observed
	}
	return d.event(pending, name, at)
}
