package events

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnEventIsWrittenAsASenderWould(t *testing.T) {
	e := &Event{ID: "e1", Name: `a "b"`, Time: 1_767_323_045_000_001, UserID: "u", SessionID: "s",
		Shape: &Shape{Names: []string{"t", "i", "f", "b", "n", "o", "big"}},
		Values: []Value{{Kind: Text, Text: "x\n"}, {Kind: Int, Int: -1}, {Kind: Float, Float: 1e300}, {Kind: Bool, Int: 1}, {},
			{Kind: JSON, Text: `{"a":[1]}`}, {Kind: Big, Text: "123456789012345678901"}}}
	text := AppendJSON(nil, e)
	if !json.Valid(text) {
		t.Fatalf("not JSON: %s", text)
	}
	want := `{"event_id":"e1","event":"a \"b\"","user_id":"u","session_id":"s","time":"2026-01-02T03:04:05.000001Z",` +
		`"properties":{"t":"x\n","i":-1,"f":1e+300,"b":true,"n":null,"o":{"a":[1]},"big":123456789012345678901}}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

func TestAMadeTimeIsNotWritten(t *testing.T) {
	if diff := cmp.Diff(`{"event_id":"e1","event":"a"}`, string(AppendJSON(nil, &Event{ID: "e1", Name: "a", Time: 5, MadeTime: true}))); diff != "" {
		t.Error(diff)
	}
}
