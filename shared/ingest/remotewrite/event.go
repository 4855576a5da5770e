package remotewrite

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
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
		size = d.refuse(&ev, inRange, of, refusal)
	}
	d.own = d.own[:0]
	d.events = append(d.events, ev)
	d.spread += size
	return d.check()
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
	d.in.In.Begin()
	for _, p := range d.all(of) {
		f := d.in.In.Add(p.name, p.value)
		if f == scan.Duplicate {
			f = d.in.In.Add("attribute."+p.name, p.value)
		}
		if f != scan.None {
			return f.Refusal(scan.Clip(p.name, 64)), 0
		}
		size += len(p.name) + len(p.value.Text) + 8
	}
	if size > events.MaxEvent {
		return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the sample has %d bytes with its labels, and %d are allowed", size, events.MaxEvent)}, 0
	}
	ev.Shape, ev.Values = d.in.In.End()
	return events.Refusal{}, size
}

// all returns the properties of the event at hand, until it is asked again.
func (d *Decoder) all(of []pair) []property {
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

// refuse turns ev into an event that is refused. What was sent is told as an event of ours
// has it: so it can be mended, and rules for fields find theirs. The size is that of all of
// it, though no more than an event may have is kept.
func (d *Decoder) refuse(ev *events.Event, timed bool, of []pair, refusal events.Refusal) (size int) {
	if !timed {
		d.add("time_unix_ms", events.Value{Kind: events.Int, Int: ev.Time / 1000})
	}
	said := events.Event{Name: ev.Name, Time: ev.Time, MadeTime: !timed, Shape: &events.Shape{}}
	for _, p := range d.all(of) {
		said.Shape.Names, said.Values = append(said.Shape.Names, p.name), append(said.Values, p.value)
	}
	raw := events.AppendJSON(nil, &said)
	*ev = events.Event{ID: ev.ID, Name: ev.Name, Time: d.arrived, MadeTime: true, Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)]}
	return len(raw)
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
	sum := sha256.Sum256(key)
	from := len(d.in.Made)
	d.in.Made = append(append(d.in.Made, kind...), '-')
	d.in.Made = hex.AppendEncode(d.in.Made, sum[:16])
	return wire.Share(d.in.Made[from:])
}
