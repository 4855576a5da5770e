package otlp

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

var (
	kinds    = [...]string{"", "internal", "server", "client", "producer", "consumer"}
	statuses = [...]string{"", "ok", "error"}
)

// aboutSpan is what a span is known by, and when it was.
type aboutSpan struct {
	trace, id  string
	start, end uint64 // nanoseconds since 1970, or 0
}

// span reads a span: an event "span" at the time of its start.
func (d *Decoder) span() error {
	var s aboutSpan
	err := d.in.Each(span, wire.All, func(n protowire.Number) error { return d.spanField(&s, n) })
	if err != nil {
		return err
	}
	if s.start != 0 && s.end != 0 {
		d.add("duration_ms", events.Value{Kind: events.Float, Float: float64(int64(s.end-s.start)) / 1e6}) // #nosec G115 -- negative where a clock was set back
	}
	d.list("events", spanEvents)
	d.list("links", spanLinks)
	if len(s.trace) != 32 || len(s.id) != 16 {
		return d.event(pending, "span", s.start)
	}
	return d.event(s.trace+"-"+s.id, "span", s.start)
}

// spanCounts are the fields of a span that are numbers, and mean nothing where they are 0.
var spanCounts = [...]string{7: "start_time_unix_nano", 8: "end_time_unix_nano", 10: "dropped_attributes_count",
	12: "dropped_events_count", 14: "dropped_links_count", 16: "flags"}

func (d *Decoder) spanField(s *aboutSpan, n protowire.Number) error {
	switch n {
	case 1:
		s.trace = known(d.in.Text)
		d.text("trace_id", s.trace)
	case 2:
		s.id = known(d.in.Text)
		d.text("span_id", s.id)
	case 3:
		d.text("trace_state", d.in.Text)
	case 4:
		d.text("parent_span_id", known(d.in.Text))
	case 5:
		d.text("name", d.in.Text)
	case 6:
		d.text("kind", telemetry.Called(kinds[:], d.in.Uint()))
	case 7:
		s.start = d.in.Uint()
		d.count(spanCounts[n])
	case 8:
		s.end = d.in.Uint()
		d.count(spanCounts[n])
	case 9:
		return d.attribute("")
	case 11:
		return d.spanPart(spanEvents, spanEvent, 3)
	case 13:
		return d.spanPart(spanLinks, spanLink, 4)
	case 15:
		return d.status()
	default:
		d.count(spanCounts[n])
	}
	return nil
}

func (d *Decoder) spanPart(list int, s wire.Schema, attributes protowire.Number) (err error) {
	d.in.Lists[list], err = d.object(d.in.Item(list), s, attributes)
	return err
}

func (d *Decoder) status() error {
	return d.in.Each(spanStatus, wire.All, func(n protowire.Number) error {
		if n == 2 {
			d.text("status_message", d.in.Text)
		} else {
			d.text("status_code", telemetry.Called(statuses[:], d.in.Uint()))
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
