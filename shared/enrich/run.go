package enrich

import (
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/useragent"
)

// run is one run of a program over a batch of events.
type run struct {
	program *Program
	rules   []*fieldrule.Application // by step
	tables  []*lookup                // by step
	agents  useragent.Reader

	event  *events.Event  // at hand
	values []events.Value // memory of events
	shapes map[derived]*events.Shape
	failed int // the last step that sent an event to quarantine, from 1
}

// derived names the shape that a step makes of another one.
type derived struct {
	of   *events.Shape
	step int
}

// last is the step, after all others, that adds the version.
const last = -1

// all enriches events in place.
func (r *run) all(sent []events.Event) {
	r.shapes = map[derived]*events.Shape{}
	for i := range sent {
		if sent[i].Refused.Code == "" {
			r.one(&sent[i])
		}
	}
}

// one enriches an event. One that is refused is what it was before; of one that is dropped
// no more is left than its fate needs.
func (r *run) one(e *events.Event) {
	was := *e
	r.event = e
	e.Values = r.own(e.Values)
	for i, do := range r.program.ops {
		switch v := do(r); {
		case v.dropped:
			*e = events.Event{ID: was.ID, MadeID: was.MadeID, Time: was.Time, MadeTime: was.MadeTime, Dropped: uint16(i + 1)} // #nosec G115 -- at most MaxSteps
			return
		case v.refused.Code != "":
			r.failed = i + 1
			v.refused.Reason = fmt.Sprintf("step %d of version %d of the enrichment: %s", i+1, r.program.Version, v.refused.Reason)
			refused(e, &was, v.refused)
			return
		}
	}
	if v := r.finish(); v.refused.Code != "" {
		refused(e, &was, v.refused)
	}
}

// refused makes an event one that cannot be stored, with its text.
func refused(e, was *events.Event, why events.Refusal) {
	*e = events.Event{ID: was.ID, MadeID: was.MadeID, Time: was.Time, MadeTime: was.MadeTime, Refused: why, Raw: events.AppendJSON(nil, was)}
}

// own copies values to where there is room for those that the steps add: an event's text
// is made of what they were before if it is refused.
func (r *run) own(values []events.Value) []events.Value {
	const atOnce = 1024
	n := len(values)
	room := n + r.program.adds
	if cap(r.values)-len(r.values) < room {
		r.values = make([]events.Value, 0, max(atOnce, room))
	}
	begin := len(r.values)
	r.values = r.values[:begin+room]
	own := r.values[begin : begin+n : begin+room]
	copy(own, values)
	return own
}

// finish adds the version, and holds the event against the limits of one.
func (r *run) finish() verdict {
	e := r.event
	if place(e, Property) >= 0 {
		return refuse("reserved_property", "the property \""+Property+"\" says which version a row went through: send it by another name")
	}
	e.Shape = r.shape(last, func() []string { return append(names(e.Shape), Property) })
	e.Values = append(e.Values, events.Value{Kind: events.Int, Int: int64(r.program.Version)})
	if len(e.Values) > events.MaxProperties+1 {
		return refuse("too_many_properties", fmt.Sprintf("the enriched event has %d properties, and %d are allowed", len(e.Values)-1, events.MaxProperties))
	}
	size := len(e.ID) + len(e.Name) + len(e.UserID) + len(e.AnonymousID) + len(e.SessionID)
	for i := range e.Values {
		size += len(e.Values[i].Text)
	}
	if size > events.MaxEvent {
		return refuse("too_large", fmt.Sprintf("the values of the enriched event have %d bytes, and %d are allowed", size, events.MaxEvent))
	}
	return verdict{}
}

// place returns the place of a property, or -1.
func place(e *events.Event, name string) int {
	if e.Shape == nil {
		return -1
	}
	return slices.Index(e.Shape.Names, name)
}

// shape returns the shape that a step makes of the event's.
func (r *run) shape(step int, make func() []string) *events.Shape {
	key := derived{r.event.Shape, step}
	s := r.shapes[key]
	if s == nil {
		s = &events.Shape{Names: make()}
		r.shapes[key] = s
	}
	return s
}

// names copies those of a shape.
func names(s *events.Shape) []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.Names)
}
