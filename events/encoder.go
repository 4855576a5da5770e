// #nosec G115 -- places in lists that a batch of at most 10 MB made, and lengths of such lists

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
	version, header := byte(plainVersion), byte(0)
	if env.Account != 0 {
		header |= hasAccount
	}
	if env.Enrichment != 0 {
		version, header = Version, header|hasEnrichment
	}
	dst = append(dst, version, header, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = appendText(dst, env.Tenant)
	dst = appendText(dst, env.Dataset)
	dst = binary.AppendUvarint(dst, uint64(env.Bucket))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(env.Producer))
	dst = binary.AppendUvarint(dst, env.First)
	dst = binary.AppendVarint(dst, env.Arrived)
	if env.Account != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(env.Account))
	}
	if env.Enrichment != 0 {
		dst = binary.AppendUvarint(dst, uint64(env.Enrichment))
	}
	e.dst = dst
}

// Add writes the next event. An event with other than one value for each name of
// its shape is a mistake of the caller, and so is a dropped one in an envelope without
// an enrichment.
func (e *Encoder) Add(ev *Event) {
	dst := append(e.dst, flagsOf(ev))
	dst = appendText(dst, ev.ID)
	dst = e.appendName(dst, ev.Name)
	dst = binary.AppendVarint(dst, ev.Time-e.arrived)
	for _, s := range [...]string{ev.UserID, ev.AnonymousID, ev.SessionID} {
		if s != "" {
			dst = appendText(dst, s)
		}
	}
	if ev.Shape != nil {
		dst = e.appendShape(dst, ev.Shape)
		for i := range ev.Values {
			dst = appendValue(dst, &ev.Values[i])
		}
		e.values += uint32(len(ev.Values))
	}
	if ev.Refused.Code != "" {
		dst = appendText(dst, ev.Refused.Code)
		dst = appendText(dst, ev.Refused.Reason)
		dst = appendText(dst, share(ev.Raw))
	}
	if ev.Dropped != 0 {
		dst = binary.AppendUvarint(dst, uint64(ev.Dropped))
	}
	e.dst = dst
	e.events++
}

// Len is the number of bytes of the envelope so far.
func (e *Encoder) Len() int { return len(e.dst) - e.start }

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
	set(ev.Dropped != 0, dropped)
	return flags
}

func (e *Encoder) appendName(dst []byte, s string) []byte {
	known := min(e.names, remembered)
	if e.lastName < known && e.nameTable[e.lastName] == s {
		return binary.AppendUvarint(dst, uint64(e.lastName)+1)
	}
	for i, t := range e.nameTable[:known] {
		if t == s {
			e.lastName = i
			return binary.AppendUvarint(dst, uint64(i)+1)
		}
	}
	if known < remembered {
		e.nameTable[known], e.lastName = s, known
	}
	e.names++
	return appendText(append(dst, 0), s)
}

func (e *Encoder) appendShape(dst []byte, s *Shape) []byte {
	known := min(e.shapes, remembered)
	if e.lastShape < known && e.shapeTable[e.lastShape] == s {
		return binary.AppendUvarint(dst, uint64(e.lastShape)+1)
	}
	for i, t := range e.shapeTable[:known] {
		if t == s {
			e.lastShape = i
			return binary.AppendUvarint(dst, uint64(i)+1)
		}
	}
	if known < remembered {
		e.shapeTable[known], e.lastShape = s, known
	}
	e.shapes++
	dst = binary.AppendUvarint(append(dst, 0), uint64(len(s.Names)))
	for _, name := range s.Names {
		dst = appendText(dst, name)
	}
	return dst
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
