// Package eventtest shows tests of decoders the events that were decoded, and checks what
// is true of every one, whatever protocol it came by.
package eventtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
)

// Sent is what a test says of an event: its fields, and its properties as text. An id that
// was made is "made", and a time that was made is empty.
type Sent struct {
	ID, Name, Time, User, Anonymous, Session string
	Properties                               string
	Refused                                  string
}

// Show returns an event as a test says it.
func Show(ev events.Event) Sent {
	s := Sent{ID: ev.ID, Name: ev.Name, User: ev.UserID, Anonymous: ev.AnonymousID, Session: ev.SessionID, Refused: ev.Refused.Code}
	if ev.MadeID {
		s.ID = "made"
	}
	if !ev.MadeTime {
		s.Time = time.UnixMicro(ev.Time).UTC().Format(time.RFC3339Nano)
	}
	var parts []string
	for i, v := range ev.Values {
		text := v.Text
		switch v.Kind {
		case events.Int, events.Bool:
			text = fmt.Sprint(v.Int)
		case events.Float:
			text = fmt.Sprint(v.Float)
		case events.Null:
			text = "null"
		}
		parts = append(parts, ev.Shape.Names[i]+"="+text)
	}
	s.Properties = strings.Join(parts, " ")
	return s
}

// ShowAll is Show of each event.
func ShowAll(all []events.Event) (out []Sent) {
	for _, ev := range all {
		out = append(out, Show(ev))
	}
	return out
}

// Properties returns the properties of an event as encoding/json would have read them.
func Properties(t testing.TB, ev events.Event) map[string]any {
	all := map[string]any{}
	for i, v := range ev.Values {
		var value any
		switch v.Kind {
		case events.Bool:
			value = v.Int == 1
		case events.Int:
			value = float64(v.Int)
		case events.Float:
			value = v.Float
		case events.Text:
			value = v.Text
		case events.JSON, events.Big:
			if err := json.Unmarshal([]byte(v.Text), &value); err != nil {
				t.Errorf("%s: %v", ev.Shape.Names[i], err)
			}
		}
		all[ev.Shape.Names[i]] = value
	}
	return all
}

// Check fails a test unless an event can be named, and, where it is not refused, stored
// and sent.
func Check(t testing.TB, ev events.Event) {
	t.Helper()
	if ev.ID == "" || len(ev.ID) > events.MaxID || !utf8.ValidString(ev.ID) {
		t.Errorf("bad id %q", ev.ID)
	}
	if ev.Refused.Code != "" {
		return
	}
	if ev.Name == "" || ev.Raw != nil || (ev.Shape == nil) != (len(ev.Values) == 0) || ev.Shape != nil && len(ev.Shape.Names) != len(ev.Values) {
		t.Errorf("bad event %+v", ev)
	}
	for _, v := range ev.Values {
		if !utf8.ValidString(v.Text) || strings.ContainsRune(v.Text, 0) || v.Kind == events.JSON && !json.Valid([]byte(v.Text)) {
			t.Errorf("bad value %+v", v)
		}
	}
	var d events.Decoder
	if _, err := d.Decode(events.Append(nil, &events.Envelope{Events: []events.Event{ev}})); err != nil {
		t.Errorf("it cannot be encoded: %v", err)
	}
}

// Members returns n members of a JSON object, "p0" and so on.
func Members(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`"p%d":1`, i))
	}
	return strings.Join(parts, ",")
}

// Sized returns an event of n bytes: around, with its empty text filled.
func Sized(around string, n int) string {
	return strings.Replace(around, `""`, `"`+strings.Repeat("x", n-len(around))+`"`, 1)
}
