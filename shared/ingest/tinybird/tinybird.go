// Package tinybird reads the rows that Tinybird's Events API takes: JSON objects one a
// line, an array of them, or one.
//
// What its SDK sends, as seen of @tinybirdco/sdk 0.0.84: an NDJSON body to
// /v0/events?name=…&wait=true (wait unless the program says otherwise), with the token as
// a bearer; times as text without a zone, to the day, the second or the millisecond. It
// tries again only where the program gives maxRetries, and then after 429, after
// Retry-After, and after 503, after pauses of its own; a broken connection is the
// program's to deal with. Each try has the same bytes. Of a failure it tells what stands
// as "error" in the body.
//
// A row of Tinybird's has no name, time or id of its own. Where it has columns that Tarn
// knows, they are that; the name is else that of the data source, and the time that of
// the arrival.
//
// # Identity
//
// A row with an "event_id" is known by it. For rows without one there is only the request:
// a retry is the same bytes, so that a row is named by the digest of all of them and by
// its place. This must not make one of two rows that were meant as two. Two requests with
// the same bytes are not the same one sent twice where nothing in them tells when
// (counters sent each minute, say), so that these ids are given only where some row of a
// request tells its time to the second at least; elsewhere the ids are random, and a
// retry counts again. What remains is two requests whose every byte, times included, is the same
// within the same second: who sends single rows at such a pace gives them milliseconds
// or ids.
package tinybird

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Decoder decodes bodies. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	Rand func() uint64 // random bits of made ids; nil: math/rand/v2

	r      scan.Reader
	events []events.Event
	row    row
}

// maxKept bounds the events that a Decoder keeps memory for.
const maxKept = 1 << 15

// Decode returns the rows of a body as events, named by the data source where they do not
// say. One that cannot be stored is among them, with Refused set. Lines are told apart
// whatever is in them; only a body of which no line is an object, or an array that breaks,
// is fault.Invalid. More rows than one request may have are fault.TooLarge. Events share
// memory with the body and the Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(source string, body []byte, arrived int64) ([]events.Event, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if cap(d.events) > maxKept {
		d.events = nil
	}
	d.events = d.events[:0]
	d.r.Reset(body)
	d.row = row{r: &d.r, source: source, arrived: arrived}
	var err error
	switch d.r.Peek() {
	case 0:
		err = fault.New(fault.Invalid, "empty_body", "the body has no row").WithHint("send JSON objects, one a line")
	case '[':
		err = d.array()
	default:
		err = d.lines()
	}
	if err != nil {
		return nil, err
	}
	d.identify(body)
	return d.events, nil
}

func (d *Decoder) array() error {
	err := d.r.Elements(func(start, end int) error {
		d.add(start, end)
		return nil
	})
	if err != nil {
		return err
	}
	if d.r.Space() {
		return d.r.Broken("nothing was expected after the array")
	}
	return nil
}

// lines reads one row a line. A body of which no line is an object may be one object on
// several lines.
func (d *Decoder) lines() error {
	body, objects := d.r.Text, false
	for d.r.Space() {
		start, end := d.r.Pos, len(body)
		if n := bytes.IndexByte(body[start:], '\n'); n >= 0 {
			end = start + n
		}
		d.r.Text = body[:end]
		whole := d.r.Skip() && !d.r.Space()
		objects = objects || whole && body[start] == '{'
		if whole {
			d.add(start, start+len(bytes.TrimSpace(body[start:end])))
		} else {
			d.refuse(scan.Syntax.Refusal(""), start, end)
		}
		d.r.Pos, d.r.Text = end, body
		if err := scan.CheckCount(len(d.events)); err != nil {
			return err
		}
	}
	if objects {
		return nil
	}
	d.events, d.row.timed, d.r.Pos = d.events[:0], false, 0
	if d.r.Peek() == '{' {
		start := d.r.Pos
		if d.r.Skip() {
			if end := d.r.Pos; !d.r.Space() {
				d.add(start, end)
				return nil
			}
		}
	}
	return d.r.Broken("no row was found").WithHint("nothing of it was stored: send JSON objects, one a line")
}

// add appends the event of the row from start to end.
func (d *Decoder) add(start, end int) {
	d.events = append(d.events, events.Event{})
	d.r.Pos = start
	if refusal := d.row.read(&d.events[len(d.events)-1]); refusal != none {
		d.events = d.events[:len(d.events)-1]
		d.refuse(refusal, start, end)
	}
}

func (d *Decoder) refuse(refusal events.Refusal, start, end int) {
	raw := bytes.TrimSpace(d.r.Text[start:end])
	ev := events.Event{Name: d.row.source, Time: d.row.arrived, MadeTime: true, Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)]}
	if d.r.Lookup(start, keys[fieldID]) {
		if id, f := d.r.OptionalText(events.MaxID); f == scan.None {
			ev.ID = id
		}
	}
	d.events = append(d.events, ev)
}

// identify gives ids to the rows that have none.
func (d *Decoder) identify(body []byte) {
	digest := ""
	for i := range d.events {
		ev := &d.events[i]
		switch {
		case ev.ID != "":
		case !d.row.timed:
			ev.ID, ev.MadeID = d.r.NewID(d.row.arrived, d.Rand), true
		default:
			if digest == "" {
				sum := sha256.Sum256(body)
				digest = hex.EncodeToString(sum[:16])
			}
			ev.ID = digest + "-" + strconv.Itoa(i)
		}
	}
}
