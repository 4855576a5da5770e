// Package telemetry makes events of telemetry in protobuf: their properties are fields that
// the protocol has, and what producers name themselves. Much of it, of a resource or a
// series, is said once and counts for each event.
package telemetry

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// Property is a property of an event in the making.
type Property struct {
	Name  string
	Value events.Value
}

// Reader reads the events of one request. Keep it from one to the next. The zero Reader is
// ready for Reset.
type Reader struct {
	wire.Reader
	Events  []events.Event
	Arrived int64 // UTC microseconds

	// Lists are what the event at hand has several of, by numbers of the protocol's: items in
	// JSON. They are gathered apart, as a message may have its fields in any order.
	Lists [12][]byte

	size int // bytes of all events
}

// maxKept bounds the events that a Reader keeps memory for.
const maxKept = 1 << 15

// Reset starts on another request. Everything that was read before becomes invalid.
func (r *Reader) Reset(body []byte, json bool, arrived int64) {
	if cap(r.Events) > maxKept {
		r.Events = nil
	}
	r.Reader.Reset(body, json)
	r.Events, r.Arrived, r.size = r.Events[:0], arrived, 0
	for i := range r.Lists {
		r.Lists[i] = r.Lists[i][:0]
	}
}

// Item begins another item of a list.
func (r *Reader) Item(list int) []byte {
	if len(r.Lists[list]) > 0 {
		return append(r.Lists[list], ',')
	}
	return r.Lists[list]
}

// List returns a list as a value, unless it is empty, and empties it.
func (r *Reader) List(list int) (v events.Value, ok bool) {
	items := r.Lists[list]
	if len(items) == 0 {
		return v, false
	}
	from := len(r.Made)
	r.Made = append(append(append(r.Made, '['), items...), ']')
	r.Lists[list] = items[:0]
	return events.Value{Kind: events.JSON, Text: wire.Share(r.Made[from:])}, true
}

// Digest returns an id that begins with prefix: a digest of what something is known by.
func (r *Reader) Digest(prefix string, known []byte) string {
	sum := sha256.Sum256(known)
	from := len(r.Made)
	r.Made = hex.AppendEncode(append(r.Made, prefix...), sum[:16])
	return wire.Share(r.Made[from:])
}

// Properties gives an event its properties. One with the name of another before it has a
// longer one.
func (r *Reader) Properties(ev *events.Event, all ...[]Property) events.Refusal {
	r.In.Begin()
	for _, some := range all {
		for i := range some {
			p := &some[i]
			f := r.In.Add(p.Name, p.Value)
			if f == scan.Duplicate {
				f = r.In.Add("attribute."+p.Name, p.Value)
			}
			if f != scan.None {
				return f.Refusal(scan.Clip(p.Name, 64))
			}
		}
	}
	ev.Shape, ev.Values = r.In.End()
	return events.Refusal{}
}

// Refuse turns ev into an event that is refused. What was sent is told as an event of ours
// has it: so it can be mended, and rules for fields find theirs. The size is that of all of
// it, though no more than an event may have is kept.
func (r *Reader) Refuse(ev *events.Event, refusal events.Refusal, said events.Event, all ...[]Property) (size int) {
	said.Shape, said.Values = &events.Shape{}, nil
	for _, p := range slices.Concat(all...) {
		said.Shape.Names, said.Values = append(said.Shape.Names, p.Name), append(said.Values, p.Value)
	}
	raw := events.AppendJSON(nil, &said)
	*ev = events.Event{ID: ev.ID, Name: ev.Name, Time: r.Arrived, MadeTime: true, Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)]}
	return len(raw)
}

// Done adds an event of size bytes.
func (r *Reader) Done(ev *events.Event, size int) error {
	r.Events = append(r.Events, *ev)
	r.size += size
	if err := scan.CheckSize(r.size); err != nil {
		return err
	}
	return scan.CheckCount(len(r.Events))
}

// Called returns the name of a number, or the number where the protocol has none for it.
func Called(names []string, n uint64) string {
	if n < uint64(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(n, 10)
}
