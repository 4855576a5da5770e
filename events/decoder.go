package events

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// What Decode answers when data is no envelope that it can read.
var (
	ErrCorrupt = errors.New("events: the record is no envelope")
	ErrVersion = errors.New("events: the envelope is of a version that this program cannot read")
)

// Decoder decodes envelopes and keeps what they share. The zero Decoder is ready.
// It is not safe for concurrent use.
type Decoder struct {
	interned   map[string]*Shape // by the bytes of their definition
	internSize int               // of the keys

	names  []string // of the record at hand
	shapes []*Shape
	events []Event
	values []Value
}

// Decode returns the envelope that Append wrote. Its events are the Decoder's memory,
// and are there until it decodes the next. Their texts share memory with data, which
// must not change while they are in use; their shapes do not. The same list of
// property names yields the same Shape each time, unless so many lists came between
// that it was forgotten.
//
// Data that is not what Append writes is ErrCorrupt or ErrVersion, and costs at most
// some 40 bytes of memory for each of its own, whatever it claims to hold.
func (d *Decoder) Decode(data []byte) (*Envelope, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	if data[0] < plainVersion || data[0] > Version {
		return nil, fmt.Errorf("%w: %d; the newest it knows is %d", ErrVersion, data[0], Version)
	}
	c := cursor{data: data[1:]}
	d.names, d.shapes = d.names[:0], d.shapes[:0]
	env, counts := header(&c, data[0])
	if c.broken || counts.events > uint64(len(c.data))/minEvent || counts.values > uint64(len(c.data)) {
		return nil, fmt.Errorf("%w: bad header", ErrCorrupt)
	}
	d.events, d.values = fresh(d.events, counts.events), fresh(d.values, counts.values)
	env.Events = d.events
	values := d.values
	for i := range env.Events {
		n := d.event(&c, env, i, values)
		if c.broken {
			return nil, fmt.Errorf("%w: bad event %d", ErrCorrupt, i)
		}
		values = values[n:]
	}
	if len(values) != 0 || len(c.data) != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(c.data))
	}
	return env, nil
}

// fresh returns n zero values in the memory of s, if there is room.
func fresh[T any](s []T, n uint64) []T {
	s = slices.Grow(s[:0], int(n))[:n] // #nosec G115 -- held against the bytes of the record before
	clear(s)
	return s
}

// minEvent is the least number of bytes that an event takes: flags, the length of
// an id and a byte of it, a name, a time. It bounds what a false count can claim.
const minEvent = 5

type counts struct{ events, values uint64 }

func header(c *cursor, version byte) (*Envelope, counts) {
	flags := c.byte()
	if flags&^(hasAccount|hasEnrichment) != 0 || (flags&hasEnrichment != 0) != (version > plainVersion) {
		c.fail()
	}
	n := counts{uint64(c.fixed32()), uint64(c.fixed32())}
	env := &Envelope{Tenant: strings.Clone(c.text()), Dataset: strings.Clone(c.text())}
	env.Bucket = uint16(c.bounded(math.MaxUint16)) // #nosec G115 -- it is bounded
	env.Producer = Producer(c.fixed64())
	env.First = c.uvarint()
	env.Arrived = c.varint()
	if flags&hasAccount != 0 {
		env.Account = Producer(c.fixed64())
	}
	if flags&hasEnrichment != 0 {
		env.Enrichment = uint32(c.bounded(math.MaxUint32)) // #nosec G115 -- it is bounded
		if env.Enrichment == 0 {
			c.fail()
		}
	}
	return env, n
}

// event reads the event of a place, with its values in the first n of values.
func (d *Decoder) event(c *cursor, env *Envelope, place int, values []Value) (n int) {
	ev, flags := &env.Events[place], c.byte()
	ev.MadeID, ev.MadeTime = flags&madeID != 0, flags&madeTime != 0
	ev.ID = c.text()
	ev.Name = d.name(c)
	ev.Time = env.Arrived + c.varint()
	if flags&hasUser != 0 {
		ev.UserID = c.text()
	}
	if flags&hasAnonymous != 0 {
		ev.AnonymousID = c.text()
	}
	if flags&hasSession != 0 {
		ev.SessionID = c.text()
	}
	if flags&hasShape != 0 {
		n = d.properties(c, ev, values)
	}
	if flags&refused != 0 {
		ev.Refused = Refusal{Code: c.text(), Reason: c.text()}
		ev.Raw = c.bytes(c.uvarint())
	}
	if flags&dropped != 0 {
		ev.Dropped = uint16(c.bounded(math.MaxUint16)) // #nosec G115 -- it is bounded
		if ev.Dropped == 0 || env.Enrichment == 0 {
			c.fail()
		}
	}
	if ev.ID == "" {
		c.fail()
	}
	return n
}

func (d *Decoder) properties(c *cursor, ev *Event, values []Value) int {
	ev.Shape = d.shape(c)
	if ev.Shape == nil || len(ev.Shape.Names) > len(values) {
		c.fail()
		return 0
	}
	n := len(ev.Shape.Names)
	ev.Values = values[:n:n]
	for i := range ev.Values {
		value(c, &ev.Values[i])
	}
	return n
}

func (d *Decoder) name(c *cursor) string {
	ref := c.uvarint()
	if ref == 0 {
		name := c.text()
		d.names = append(d.names, name)
		return name
	}
	if ref > uint64(len(d.names)) {
		c.fail()
		return ""
	}
	return d.names[ref-1]
}

func value(c *cursor, v *Value) {
	switch tag := c.byte(); tag {
	case tagNull:
	case tagFalse, tagTrue:
		v.Kind, v.Int = Bool, int64(tag-tagFalse)
	case tagInt:
		v.Kind, v.Int = Int, c.varint()
	case tagFloat:
		v.Kind, v.Float = Float, math.Float64frombits(c.fixed64())
	case tagText:
		v.Kind, v.Text = Text, c.text()
	case tagJSON:
		v.Kind, v.Text = JSON, c.text()
	case tagBig:
		v.Kind, v.Text = Big, c.text()
	default:
		if tag >= shortText {
			v.Kind, v.Text = Text, share(c.bytes(uint64(tag-shortText)))
		} else {
			v.Kind, v.Int = Int, int64(tag-smallInt)
		}
	}
}
