package tinybird

import (
	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

// row is where the fields of a row stand.
type row struct {
	r       *scan.Reader
	source  string // the data source's name
	arrived int64  // UTC microseconds
	timed   bool   // some row of the request tells its time to the second

	known [fields]int // place of the value of a field, plus 1; 0: it is missing
}

// field is a column that is a field of an event.
type field uint8

const (
	fieldID field = iota
	fieldName
	fieldUser
	fieldAnonymous
	fieldSession
	fieldTime
	fieldTimestamp // remains a property, too: Tinybird's queries know it by that name
	fields
)

var keys = [fields]string{
	fieldID: "event_id", fieldName: "event", fieldUser: "user_id", fieldAnonymous: "anonymous_id", fieldSession: "session_id",
	fieldTime: "time", fieldTimestamp: "timestamp",
}

func fieldOf(key string) (field, bool) {
	for f, k := range keys {
		if k == key {
			return field(f), true // #nosec G115 -- half a dozen fields
		}
	}
	return 0, false
}

var none events.Refusal

// read reads the row at Pos of r into ev.
func (w *row) read(ev *events.Event) events.Refusal {
	w.known = [fields]int{}
	start := w.r.Pos
	w.r.Begin()
	if where, f := w.r.Members(w.column); f != scan.None {
		return f.Refusal(where)
	}
	if refusal := scan.CheckEvent(w.r.Pos - start); refusal != none {
		return refusal
	}
	ev.Shape, ev.Values = w.r.End()
	for _, t := range [...]struct {
		into *string
		from field
	}{{&ev.ID, fieldID}, {&ev.Name, fieldName}, {&ev.UserID, fieldUser}, {&ev.AnonymousID, fieldAnonymous}, {&ev.SessionID, fieldSession}} {
		if f := w.text(t.into, t.from); f != scan.None {
			return f.Refusal(keys[t.from])
		}
	}
	if ev.Name == "" {
		ev.Name = w.source
	}
	return w.time(ev)
}

// column adds a column that is no field of an event as a property, and notes where another
// is.
func (w *row) column(key string) scan.Flaw {
	field, ok := fieldOf(key)
	if ok {
		if w.known[field] != 0 {
			return scan.Duplicate
		}
		w.known[field] = w.r.Pos + 1
	}
	var v events.Value
	f := w.r.Value(&v, 1)
	if f == scan.None && (!ok || field == fieldTimestamp) {
		f = w.r.Add(key, v)
	}
	return f
}

// value reads the value of a field. One that is missing is null.
func (w *row) value(f field) (v events.Value) {
	if w.known[f] != 0 {
		w.r.Pos = w.known[f] - 1
		w.r.Value(&v, 1) // has been read before
	}
	return v
}

// text reads a name or an id. Whole numbers are their digits.
func (w *row) text(into *string, from field) scan.Flaw {
	id, f := scan.IDOf(w.value(from), events.MaxID)
	*into = id
	return f
}

// time reads the event time: "time", or else "timestamp".
func (w *row) time(ev *events.Event) events.Refusal {
	ev.Time, ev.MadeTime = w.arrived, true
	for _, from := range [...]field{fieldTime, fieldTimestamp} {
		v := w.value(from)
		if v.Kind == events.Null {
			continue
		}
		at, exact, f := timeOf(v)
		if f != scan.None {
			return f.Refusal(keys[from])
		}
		ev.Time, ev.MadeTime = at, false
		w.timed = w.timed || exact
		return none
	}
	return none
}

// timeOf reads a time as ClickHouse writes them: text, in UTC where it has no zone, or
// the seconds or milliseconds since 1970. It is exact if it tells the second.
func timeOf(v events.Value) (at int64, exact bool, f scan.Flaw) {
	switch v.Kind {
	case events.Text:
	case events.Int:
		at = v.Int * 1000
		if v.Int < 1e11 && v.Int > -1e11 { // as milliseconds, within three years of 1970
			at *= 1000
		}
		if v.Int > 1e13 || v.Int < -1e13 || !scan.InRange(at) {
			return 0, false, scan.TimeRange
		}
		return at, true, scan.None
	default:
		return 0, false, scan.WrongType
	}
	text := v.Text
	exact = len(text) > len("2006-01-02")
	at, f = scan.Time(text)
	if f == scan.BadTime {
		if !exact {
			text += "T00:00:00"
		}
		at, f = scan.Time(text + "Z")
	}
	return at, exact, f
}
