package otlp

import (
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// event adds the event that the properties at hand are of. Nanos is its time since 1970,
// or 0. An id that is pending is given once the whole request was read.
func (d *Decoder) event(id, name string, nanos uint64) error {
	ev := events.Event{ID: id, Name: name, Time: d.in.Arrived, MadeTime: nanos == 0,
		UserID: d.user.id, AnonymousID: d.anonymous.id, SessionID: d.session.id}
	if id == pending {
		d.request = pending
	}
	if nanos != 0 {
		ev.Time = int64(nanos / 1000) // #nosec G115 -- below 2^63 once divided
	}
	refusal := d.refusal(&ev)
	if refusal.Code == "" {
		refusal = d.in.Properties(&ev, d.own, d.others)
	}
	size := d.size
	if refusal.Code != "" {
		said := ev
		said.ID = ""
		if len(ev.Name) > events.MaxName || !utf8.ValidString(ev.Name) || strings.ContainsRune(ev.Name, 0) {
			ev.Name = ""
		}
		size = d.in.Refuse(&ev, refusal, said, d.own, d.others)
	}
	return d.in.Done(&ev, size)
}

func (d *Decoder) refusal(ev *events.Event) events.Refusal {
	switch {
	case d.in.Flaw != scan.None:
		return d.in.Flaw.Refusal(scan.Clip(d.in.Where, 64))
	case len(ev.Name) > events.MaxName:
		return scan.TooLong.Refusal("event_name")
	case !scan.InRange(ev.Time):
		return scan.TimeRange.Refusal("")
	}
	return scan.CheckEvent(d.size)
}

// add adds a property that the protocol has a field for.
func (d *Decoder) add(name string, v events.Value) {
	d.own = append(d.own, telemetry.Property{Name: name, Value: v})
	d.said(name, v)
}

func (d *Decoder) said(name string, v events.Value) {
	d.size += len(name) + len(v.Text) + 8
	if d.in.Flaw != scan.None && d.in.Where == "" {
		d.in.Where = name
	}
}

// text adds a text unless it is empty, which is how protobuf says that there is none.
func (d *Decoder) text(name, s string) {
	if s != "" {
		d.add(name, events.Value{Kind: events.Text, Text: s})
	}
}

func (d *Decoder) int(name string, v int64) {
	d.add(name, events.Value{Kind: events.Int, Int: v})
}

// count adds the number at hand, which has no sign, unless it is 0.
func (d *Decoder) count(name string) {
	if v := d.in.Uint(); v != 0 {
		d.add(name, wire.Unsigned(v))
	}
}

// double adds the number at hand. One that is no number in JSON is told as a text, by
// another name: columns of numbers stay such.
func (d *Decoder) double(name string) {
	v := wire.Number(d.in.Float())
	if v.Kind == events.Text {
		name += "_text"
	}
	d.add(name, v)
}
