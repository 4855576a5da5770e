package otlp

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

var (
	kinds    = [...]string{"", "internal", "server", "client", "producer", "consumer"}
	statuses = [...]string{"", "ok", "error"}
)

// span reads a span: an event "span" at the time of its start.
func (d *Decoder) span() error {
	var trace, id string
	var start, end uint64
	err := d.in.Each(span, wire.All, func(n protowire.Number) error {
		switch n {
		case 1:
			trace = d.in.Text
			d.text("trace_id", known(trace))
		case 2:
			id = d.in.Text
			d.text("span_id", known(id))
		case 3:
			d.text("trace_state", d.in.Text)
		case 4:
			d.text("parent_span_id", known(d.in.Text))
		case 5:
			d.text("name", d.in.Text)
		case 6:
			d.text("kind", called(kinds[:], d.in.Uint()))
		case 7:
			start = d.in.Uint()
			d.count("start_time_unix_nano")
		case 8:
			end = d.in.Uint()
			d.count("end_time_unix_nano")
		case 9:
			return d.attribute("")
		case 10:
			d.count("dropped_attributes_count")
		case 11:
			return d.spanPart(spanEvents, spanEvent, 3)
		case 12:
			d.count("dropped_events_count")
		case 13:
			return d.spanPart(spanLinks, spanLink, 4)
		case 14:
			d.count("dropped_links_count")
		case 15:
			return d.status()
		case 16:
			d.count("flags")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if start != 0 && end != 0 {
		d.add("duration_ms", events.Value{Kind: events.Float, Float: float64(int64(end-start)) / 1e6}) // #nosec G115 -- negative where a clock was set back
	}
	d.list("events", spanEvents)
	d.list("links", spanLinks)
	if known(trace) == "" || known(id) == "" || len(trace) != 32 || len(id) != 16 {
		return d.event(pending, "span", start)
	}
	return d.event(trace+"-"+id, "span", start)
}

func (d *Decoder) spanPart(list int, s wire.Schema, attributes protowire.Number) (err error) {
	d.lists[list], err = d.object(d.item(list), s, attributes)
	return err
}

func (d *Decoder) status() error {
	return d.in.Each(spanStatus, wire.All, func(n protowire.Number) error {
		if n == 2 {
			d.text("status_message", d.in.Text)
		} else {
			d.text("status_code", called(statuses[:], d.in.Uint()))
		}
		return nil
	})
}

// known returns an id unless it is one of zeros alone, which says that there is none.
func known(id string) string {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return id
}

// called returns the name of a number, or the number where the protocol has none for it.
func called(names []string, n uint64) string {
	if n < uint64(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(n, 10)
}
