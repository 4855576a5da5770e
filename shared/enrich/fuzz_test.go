package enrich

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/tests/fake"
)

// FuzzParse looks for lists that are refused as anything but a mistake of their sender,
// that mean another thing once they are written down and read again, or that break what
// they are used on.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`[]`, `null`, `[{}]`, `{"steps":1}`, `[{"drop":null}]`, `[{"Drop":{"field":"a"}}]`,
		`[{"rename":{"from":"uid","to":"user_id"}},{"cast":{"field":"price","to":"float"}},{"hash":{"field":"user_id"}},{"drop":{"field":"debug"}}]`,
		`[{"look_up":{"dataset":"customers","key":"id","by":"user_id","take":["plan","seats"],"prefix":"c_"}}]`,
		`[{"parse_user_agent":{"field":"context.userAgent","prefix":"ua_"}},{"sample":{"share":0.1,"by":"user_id"}}]`,
		`[{"filter":{"and":[{"column":"event","op":"!=","value":"ping"},{"not":{"column":"price","op":"between","value":[1,2.5]}},{"column":"bot","op":"is_null"}]}}]`,
		`[{"filter":{"column":"time","op":">","value":"2026-01-02T03:04:05Z"}}]`, `[{"filter":{"column":"uid","op":"in","value":[true,1,"a"]}}]`,
	} {
		f.Add([]byte(text))
	}
	salts := &fieldrule.Salts{Secrets: &fake.Secrets{}}
	event := events.Event{ID: "e", Name: "x", UserID: "u1", Shape: &events.Shape{Names: []string{"uid", "price", "context", "bot"}}, Values: []events.Value{
		{Kind: events.Text, Text: "u2"}, {Kind: events.Float, Float: 1.5}, {Kind: events.JSON, Text: `{"userAgent":"` + firefox + `"}`}, {Kind: events.Bool, Int: 1}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		steps, err := Parse(text)
		if err != nil {
			if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.TooLarge {
				t.Fatalf("%s: %v", text, err)
			}
			return
		}
		again, err := json.Marshal(steps)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) <= MaxBody { // what is written down may be longer, by its escapes
			reread, err := Parse(again)
			if diff := cmp.Diff(steps, reread); diff != "" || err != nil {
				t.Fatalf("%s is written as %s, and read as another list: %v %s", text, again, err, diff)
			}
		}
		p, err := Compile(1, steps)
		if err != nil {
			t.Fatalf("%s is taken, and cannot be compiled: %v", text, err)
		}
		r, err := p.prepare(t.Context(), "acme", &Enricher{Salts: salts, Tables: known(steps)})
		if err != nil {
			t.Fatal(err)
		}
		batch := []events.Event{event, event}
		batch[1].Values = append([]events.Value(nil), event.Values...)
		r.all(batch)
		for _, e := range batch {
			if out := events.AppendJSON(nil, &e); !json.Valid(out) || e.Shape != nil && len(e.Shape.Names) != len(e.Values) {
				t.Fatalf("%s made %s of an event", text, out)
			}
		}
	})
}
