package remotewrite

import (
	"encoding/binary"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
)

// event adds an event of the series at hand, with the properties that are its own, at a
// time in milliseconds. Of is what it is known by beside its series, its time and its kind.
func (d *Decoder) event(name, kind string, at int64, of []pair) error {
	d.describe(kind)
	micros, inRange := at*1000, at > -maxMillis && at < maxMillis
	ev := events.Event{ID: d.id(kind, at, of), Name: name, Time: micros}
	refusal := d.refusal(of)
	size := 0
	switch {
	case refusal.Code != "":
	case !inRange || !scan.InRange(micros):
		refusal = scan.TimeRange.Refusal("")
	default:
		refusal, size = d.properties(&ev, of)
	}
	if refusal.Code != "" {
		if !inRange {
			d.add("time_unix_ms", events.Value{Kind: events.Int, Int: ev.Time / 1000})
		}
		size = d.in.Refuse(&ev, refusal, events.Event{Name: ev.Name, Time: ev.Time, MadeTime: !inRange}, d.all(of))
	}
	d.own = d.own[:0]
	return d.in.Done(&ev, size)
}

// maxMillis keeps milliseconds from overflowing as nanoseconds. Times that are kept are
// well below it.
const maxMillis = 9_000_000_000_000

// refusal is why the labels cannot be stored.
func (d *Decoder) refusal(of []pair) events.Refusal {
	for _, all := range [...][]pair{d.labels, of} {
		for _, l := range all {
			if l.name.flaw != scan.None {
				return l.name.flaw.Refusal("the name of a label")
			}
			if l.value.flaw != scan.None {
				return l.value.flaw.Refusal(scan.Clip(l.name.text, 64))
			}
		}
	}
	for _, flaw := range [...]scan.Flaw{d.about.help.flaw, d.about.unit.flaw} {
		if flaw != scan.None {
			return flaw.Refusal("metadata")
		}
	}
	return events.Refusal{}
}

// metricName is the label that names a metric.
const metricName = "__name__"

// properties gives an event its properties: its own fields, then the labels. A label with
// the name of a field has a longer one.
func (d *Decoder) properties(ev *events.Event, of []pair) (refusal events.Refusal, size int) {
	all := d.all(of)
	for i := range all {
		size += len(all[i].Name) + len(all[i].Value.Text) + 8
	}
	if refusal = scan.CheckEvent(size); refusal.Code == "" {
		refusal = d.in.Properties(ev, all)
	}
	return refusal, size
}

// all returns the properties of the event at hand, until it is asked again.
func (d *Decoder) all(of []pair) []telemetry.Property {
	n := len(d.own)
	for _, l := range d.labels {
		if l.name.text != metricName {
			d.text(l.name.text, l.value.text)
		}
	}
	for _, l := range of {
		d.text(l.name.text, l.value.text)
	}
	all := d.own
	d.own = d.own[:n]
	return all
}

// id returns what an event is known by: its kind, and a digest of that, its time and the
// labels.
func (d *Decoder) id(kind string, at int64, of []pair) string {
	key := append(append(d.key[:0], kind...), 0)
	key = binary.BigEndian.AppendUint64(key, uint64(at)) // #nosec G115 -- the same bits
	for _, all := range [...][]pair{d.labels, of} {
		key = binary.AppendUvarint(key, uint64(len(all)))
		for _, l := range all {
			for _, s := range [...]string{l.name.text, l.value.text} {
				key = append(binary.AppendUvarint(key, uint64(len(s))), s...)
			}
		}
	}
	d.key = key
	return d.in.Digest(kind+"-", key)
}
