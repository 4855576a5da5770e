package ingest

import (
	"fmt"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// field is a key of an event as it is sent.
type field uint8

const (
	fieldID field = 1 << iota
	fieldName
	fieldTime
	fieldUser
	fieldAnonymous
	fieldSession
	fieldProperties
)

func fieldOf(key string) field {
	switch key {
	case "event_id":
		return fieldID
	case "event":
		return fieldName
	case "time":
		return fieldTime
	case "user_id":
		return fieldUser
	case "anonymous_id":
		return fieldAnonymous
	case "session_id":
		return fieldSession
	case "properties":
		return fieldProperties
	}
	return 0
}

// fields reads the object at Pos into ev, up to the first thing that is wrong.
func (d *Decoder) fields(ev *events.Event, arrived int64) events.Refusal {
	start := d.r.Pos
	if !d.r.Next('{') {
		return events.Refusal{Code: "not_an_object", Reason: "an event is a JSON object"}
	}
	var seen field
	for first := true; ; first = false {
		more, f := d.r.Member(first)
		if f != scan.None {
			return f.Refusal("")
		}
		if !more {
			break
		}
		key, f := d.r.Key()
		if f != scan.None {
			return f.Refusal("")
		}
		field := fieldOf(key)
		if field == 0 {
			return events.Refusal{Code: "unknown_field",
				Reason: fmt.Sprintf("%q is no field of an event: put it into \"properties\"", scan.Clip(key, 64))}
		}
		if seen&field != 0 {
			return scan.Duplicate.Refusal(key)
		}
		seen |= field
		if refusal := d.field(ev, field, key); refusal.Code != "" {
			return refusal
		}
	}
	switch {
	case ev.Name == "":
		return events.Refusal{Code: "no_event_name", Reason: "the event has no name: \"event\" is missing or empty"}
	case d.r.Pos-start > events.MaxEvent:
		return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the event has %d bytes, and %d are allowed", d.r.Pos-start, events.MaxEvent)}
	}
	if seen&fieldTime == 0 || ev.MadeTime {
		ev.Time, ev.MadeTime = arrived, true
	}
	d.complete(ev, arrived)
	return events.Refusal{}
}

// field reads one value. The key is that of the field.
func (d *Decoder) field(ev *events.Event, field field, key string) events.Refusal {
	var f scan.Flaw
	switch field {
	case fieldID:
		ev.ID, f = d.r.OptionalText(events.MaxID)
	case fieldName:
		ev.Name, f = d.r.OptionalText(events.MaxName)
	case fieldTime:
		f = d.time(ev)
	case fieldUser:
		ev.UserID, f = d.r.OptionalText(events.MaxSubject)
	case fieldAnonymous:
		ev.AnonymousID, f = d.r.OptionalText(events.MaxSubject)
	case fieldSession:
		ev.SessionID, f = d.r.OptionalText(events.MaxSubject)
	case fieldProperties:
		return d.properties(ev)
	}
	if f != scan.None {
		return f.Refusal(key)
	}
	return events.Refusal{}
}

// time reads the event time. Null is none.
func (d *Decoder) time(ev *events.Event) scan.Flaw {
	if d.r.Null() {
		ev.MadeTime = true
		return scan.None
	}
	text, f := d.r.OptionalText(64)
	if f == scan.None {
		ev.Time, f = scan.Time(text)
	} else if f == scan.TooLong {
		f = scan.BadTime
	}
	return f
}

func (d *Decoder) properties(ev *events.Event) events.Refusal {
	if d.r.Null() {
		return events.Refusal{}
	}
	if d.r.Peek() != '{' {
		return events.Refusal{Code: "wrong_type", Reason: "\"properties\" must be an object"}
	}
	d.r.Begin()
	where, f := d.r.Properties(2) // the event's own object is the first
	if f != scan.None {
		if where != "" {
			where = "properties: " + where
		}
		return f.Refusal(where)
	}
	ev.Shape, ev.Values = d.r.End()
	return events.Refusal{}
}
