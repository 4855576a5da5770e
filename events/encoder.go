package events

import (
	"encoding/binary"
	"math"
)

// Append appends the encoding of e to dst.
func Append(dst []byte, e *Envelope) []byte {
	var enc Encoder
	enc.Begin(dst, e)
	for i := range e.Events {
		enc.Add(&e.Events[i])
	}
	return enc.Finish()
}

// remembered bounds the names and the shapes that an Encoder looks back for. A
// record with more of them is longer, and right.
const remembered = 32

// Encoder writes one envelope event by event, for a caller that must know how long
// it gets. The zero Encoder is ready for Begin.
type Encoder struct {
	dst     []byte
	start   int
	arrived int64
	events  uint32
	values  uint32

	names, shapes       int // of all that were written out
	lastName, lastShape int
	nameTable           [remembered]string
	shapeTable          [remembered]*Shape
}

// Begin starts an envelope at the end of dst with everything of e but its Events.
func (e *Encoder) Begin(dst []byte, env *Envelope) {
	e.start, e.arrived = len(dst), env.Arrived
	e.events, e.values, e.names, e.shapes = 0, 0, 0, 0
	header := byte(0)
	if env.Account != 0 {
		header = hasAccount
	}
	dst = append(dst, Version, header, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = appendText(dst, env.Tenant)
	dst = appendText(dst, env.Dataset)
	dst = binary.AppendUvarint(dst, uint64(env.Bucket))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(env.Producer))
	dst = binary.AppendUvarint(dst, env.First)
	dst = binary.AppendVarint(dst, env.Arrived)
	if env.Account != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(env.Account))
	}
	e.dst = dst
}

// Add writes the next event. An event with other than one value for each name of
// its shape is a mistake of the caller.
func (e *Encoder) Add(ev *Event) {
	e.dst = append(e.dst, flagsOf(ev))
	e.dst = appendText(e.dst, ev.ID)
	e.name(ev.Name)
	e.dst = binary.AppendVarint(e.dst, ev.Time-e.arrived)
	for _, s := range [...]string{ev.UserID, ev.AnonymousID, ev.SessionID} {
		if s != "" {
			e.dst = appendText(e.dst, s)
		}
	}
	if ev.Shape != nil {
		e.shape(ev.Shape)
		for i := range ev.Values {
			e.dst = appendValue(e.dst, &ev.Values[i])
		}
		e.values += uint32(len(ev.Values))
	}
	if ev.Refused.Code != "" {
		e.dst = appendText(e.dst, ev.Refused.Code)
		e.dst = appendText(e.dst, ev.Refused.Reason)
		e.dst = appendText(e.dst, share(ev.Raw))
	}
	e.events++
}

// Len is the number of bytes of the envelope so far, Events the number of events.
func (e *Encoder) Len() int    { return len(e.dst) - e.start }
func (e *Encoder) Events() int { return int(e.events) }

// Finish returns dst with the finished envelope.
func (e *Encoder) Finish() []byte {
	binary.LittleEndian.PutUint32(e.dst[e.start+2:], e.events)
	binary.LittleEndian.PutUint32(e.dst[e.start+6:], e.values)
	dst := e.dst
	e.dst = nil
	return dst
}

func flagsOf(ev *Event) byte {
	var flags byte
	set := func(on bool, flag byte) {
		if on {
			flags |= flag
		}
	}
	set(ev.MadeID, madeID)
	set(ev.MadeTime, madeTime)
	set(ev.UserID != "", hasUser)
	set(ev.AnonymousID != "", hasAnonymous)
	set(ev.SessionID != "", hasSession)
	set(ev.Shape != nil, hasShape)
	set(ev.Refused.Code != "", refused)
	return flags
}

func (e *Encoder) name(s string) {
	known := min(e.names, remembered)
	if e.lastName < known && e.nameTable[e.lastName] == s {
		e.dst = binary.AppendUvarint(e.dst, uint64(e.lastName)+1)
		return
	}
	for i, t := range e.nameTable[:known] {
		if t == s {
			e.lastName = i
			e.dst = binary.AppendUvarint(e.dst, uint64(i)+1)
			return
		}
	}
	if known < remembered {
		e.nameTable[known], e.lastName = s, known
	}
	e.names++
	e.dst = appendText(append(e.dst, 0), s)
}

func (e *Encoder) shape(s *Shape) {
	known := min(e.shapes, remembered)
	if e.lastShape < known && e.shapeTable[e.lastShape] == s {
		e.dst = binary.AppendUvarint(e.dst, uint64(e.lastShape)+1)
		return
	}
	for i, t := range e.shapeTable[:known] {
		if t == s {
			e.lastShape = i
			e.dst = binary.AppendUvarint(e.dst, uint64(i)+1)
			return
		}
	}
	if known < remembered {
		e.shapeTable[known], e.lastShape = s, known
	}
	e.shapes++
	e.dst = binary.AppendUvarint(append(e.dst, 0), uint64(len(s.Names)))
	for _, name := range s.Names {
		e.dst = appendText(e.dst, name)
	}
}

func appendValue(dst []byte, v *Value) []byte {
	switch v.Kind {
	case Bool:
		return append(dst, tagFalse+byte(v.Int&1))
	case Int:
		if v.Int >= 0 && v.Int < shortText-smallInt {
			return append(dst, smallInt+byte(v.Int))
		}
		return binary.AppendVarint(append(dst, tagInt), v.Int)
	case Float:
		return binary.LittleEndian.AppendUint64(append(dst, tagFloat), math.Float64bits(v.Float))
	case Text:
		if len(v.Text) < 256-shortText {
			return append(append(dst, shortText+byte(len(v.Text))), v.Text...)
		}
		return appendText(append(dst, tagText), v.Text)
	case JSON:
		return appendText(append(dst, tagJSON), v.Text)
	case Big:
		return appendText(append(dst, tagBig), v.Text)
	default:
		return append(dst, tagNull)
	}
}
