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
	"github.com/tarnhq/tarn/shared/ingest/internal/batch"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Decoder decodes bodies. Keep it from one request to the next. It is not safe for
// concurrent use.
type Decoder struct {
	in  batch.Reader
	row row
}

// Decode returns the rows of a body as events, named by the data source where they do not
// say. One that cannot be stored is among them, with Refused set. Lines are told apart
// whatever is in them; only a body of which no line is an object, or an array that breaks,
// is fault.Invalid. More rows than one request may have are fault.TooLarge. Events share
// memory with the body and the Decoder: they are valid until the next Decode.
func (d *Decoder) Decode(source string, body []byte, arrived int64) ([]events.Event, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	d.in.Reset(body, arrived)
	d.row = row{r: &d.in.Reader, source: source, arrived: arrived}
	var err error
	switch d.in.Peek() {
	case 0:
		err = fault.New(fault.Invalid, "empty_body", "the body has no row").WithHint("%s", hint)
	case '[':
		err = d.in.Array(hint, d.add)
	default:
		err = d.lines()
	}
	if err != nil {
		return nil, err
	}
	if err := d.identify(body); err != nil {
		return nil, err
	}
	return d.in.Events, nil
}

const hint = "send JSON objects, one a line"

// lines reads one row a line. A body of which no line is an object may be one object on
// several lines.
func (d *Decoder) lines() error {
	body, objects := d.in.Text, false
	for d.in.Space() {
		start, end := d.in.Pos, len(body)
		if n := bytes.IndexByte(body[start:], '\n'); n >= 0 {
			end = start + n
		}
		d.in.Text = body[:end]
		whole := d.in.Skip() && !d.in.Space()
		objects = objects || whole && body[start] == '{'
		if !whole {
			d.refuse(d.in.Event(start), scan.Syntax.Refusal(), start, end)
		} else if err := d.add(start, start+len(bytes.TrimSpace(body[start:end]))); err != nil {
			return err
		}
		d.in.Pos, d.in.Text = end, body
		if err := scan.CheckCount(len(d.in.Events)); err != nil {
			return err
		}
	}
	if objects {
		return nil
	}
	d.in.Events, d.row.timed, d.in.Pos = d.in.Events[:0], false, 0
	if d.in.Peek() == '{' {
		start := d.in.Pos
		if d.in.Skip() {
			if end := d.in.Pos; !d.in.Space() {
				return d.add(start, end)
			}
		}
	}
	return d.in.Broken("no row was found").WithHint("nothing of it was stored: %s", hint)
}

// add appends the event of the row from start to end.
func (d *Decoder) add(start, end int) error {
	ev := d.in.Event(start)
	if refusal := d.row.read(ev); refusal != none {
		d.refuse(ev, refusal, start, end)
	}
	return nil // who has no id gets one when all rows are known
}

func (d *Decoder) refuse(ev *events.Event, refusal events.Refusal, start, end int) {
	end -= len(d.in.Text[start:end]) - len(bytes.TrimSpace(d.in.Text[start:end]))
	d.in.Refuse(ev, refusal, start, end, d.in.TextOf(start, keys[fieldID], events.MaxID), d.row.source)
}

// identify gives ids to the rows that have none.
func (d *Decoder) identify(body []byte) error {
	digest := ""
	for i := range d.in.Events {
		ev := &d.in.Events[i]
		if ev.ID == "" && d.row.timed {
			if digest == "" {
				sum := sha256.Sum256(body)
				digest = hex.EncodeToString(sum[:16])
			}
			ev.ID = digest + "-" + strconv.Itoa(i)
		}
		if err := d.in.Done(ev, 0); err != nil {
			return err
		}
	}
	return nil
}
