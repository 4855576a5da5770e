package scan

import (
	"math/rand/v2"
	"strconv"

	"github.com/tarnhq/tarn/events"
)

// ID reads an id, or a name, of at most limit bytes. Many senders have whole numbers, whose
// digits it is then; null is the empty one.
func (r *Reader) ID(limit int) (string, Flaw) {
	if c := r.Text[r.Pos]; c != '-' && (c < '0' || c > '9') {
		return r.OptionalText(limit)
	}
	var v events.Value
	if f := r.Value(&v, 1); f != None {
		return "", f
	}
	return IDOf(v, limit)
}

// IDOf returns the id that a value is, as ID reads one.
func IDOf(v events.Value, limit int) (string, Flaw) {
	id := v.Text
	switch v.Kind {
	case events.Null, events.Text, events.Big:
	case events.Int:
		id = strconv.FormatInt(v.Int, 10)
	default:
		return "", WrongType
	}
	if len(id) > limit {
		return "", TooLong
	}
	return id, None
}

// NewID returns an id for an event that came without one. A nil random is
// math/rand/v2.
func (r *Reader) NewID(arrived int64, random func() uint64) string {
	if random == nil {
		random = rand.Uint64
	}
	return r.makeID(arrived/1000, random(), random())
}

// makeID returns a new id in the form of a UUID of version 7: 48 bits of time in
// milliseconds, then random ones of which 74 are used. Ids that are made together
// sort together.
func (r *Reader) makeID(unixMilli int64, hi, lo uint64) string {
	hi = uint64(unixMilli)<<16 | 0x7000 | hi&0x0fff // #nosec G115 -- milliseconds since 1970, of now
	lo = lo&(1<<62-1) | 1<<63
	const hex = "0123456789abcdef"
	from := len(r.made)
	for i := range 16 {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			r.made = append(r.made, '-')
		}
		word := hi
		if i >= 8 {
			word = lo
		}
		b := byte(word >> (56 - 8*(i%8)))
		r.made = append(r.made, hex[b>>4], hex[b&15])
	}
	return share(r.made[from:])
}
