// Package batch gathers the events of a request in JSON, which holds one or many of them.
// What can never be stored is among them as an event that is refused, each has an id, and
// together they are no more than one request may have.
package batch

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// Reader reads the events of one request. Keep it from one to the next. The zero Reader is
// ready for Reset.
type Reader struct {
	scan.Reader
	Events  []events.Event
	Arrived int64 // UTC microseconds

	size int // bytes of all events
}

// maxKept bounds the events that a Reader keeps memory for.
const maxKept = 1 << 15

// Reset starts on another request. Everything that was read before becomes invalid.
func (r *Reader) Reset(body []byte, arrived int64) {
	if cap(r.Events) > maxKept {
		r.Events = nil
	}
	r.Reader.Reset(body)
	r.Events, r.Arrived, r.size = r.Events[:0], arrived, len(body)
}

// Object finds the object that the body must be, and nothing more. The hint says what to
// send instead.
func (r *Reader) Object(hint string) (start, end int, err error) {
	if r.Peek() != '{' {
		return 0, 0, r.hinted("an object was expected", hint)
	}
	start = r.Pos
	if !r.Skip() {
		return 0, 0, r.Broken("the object does not end")
	}
	end = r.Pos
	if r.Space() {
		return 0, 0, r.Broken("nothing was expected after the object")
	}
	return start, end, nil
}

// Array calls each with the start and the end of every element of the array that the body
// must be, and nothing more. The hint says what to send instead.
func (r *Reader) Array(hint string, each func(start, end int) error) error {
	if r.Peek() != '[' {
		return r.hinted("an array was expected", hint)
	}
	if err := r.Elements(each); err != nil {
		return err
	}
	if r.Space() {
		return r.Broken("nothing was expected after the array")
	}
	return nil
}

func (r *Reader) hinted(what, hint string) *fault.Error { return r.Broken(what).WithHint("%s", hint) }

// Event appends an event, and moves to where the text of it stands.
func (r *Reader) Event(start int) *events.Event {
	r.Events = append(r.Events, events.Event{})
	r.Pos = start
	return &r.Events[len(r.Events)-1]
}

// Refuse turns ev into an event that is refused, of the text from start to end. Its sender
// can ask for its fate as far as an id and a name are known of it.
func (r *Reader) Refuse(ev *events.Event, refusal events.Refusal, start, end int, id, name string) {
	raw := r.Text[start:end]
	*ev = events.Event{ID: id, Name: scan.Clip(name, events.MaxName), Time: r.Arrived, MadeTime: true,
		Refused: refusal, Raw: raw[:min(len(raw), events.MaxEvent)]}
}

// Done ends ev, which has lent bytes beside its own text of what is said for many events.
// It is given an id where it came without one: a retry of it cannot be recognized.
func (r *Reader) Done(ev *events.Event, lent int) error {
	if ev.ID == "" {
		ev.ID, ev.MadeID = r.NewID(r.Arrived, nil), true
	}
	r.size += lent
	return scan.CheckSize(r.size)
}
