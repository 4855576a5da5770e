package enrich

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/useragent"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"

// after tells what steps make of an event's properties.
func after(t *testing.T, steps, properties string) string {
	t.Helper()
	parsed, err := Parse([]byte(steps))
	if err != nil {
		t.Fatal(err)
	}
	e := newWorld(t).enricher
	got, err := e.Try(t.Context(), tenantID, dataset.Dataset{Kind: dataset.Events}, parsed, []json.RawMessage{json.RawMessage(`{"event":"x","properties":` + properties + `}`)})
	if err != nil || got[0].Fate != Stored {
		t.Fatal(err, got)
	}
	var event struct{ Properties json.RawMessage }
	if err := json.Unmarshal(got[0].After, &event); err != nil {
		t.Fatal(err)
	}
	return string(event.Properties)
}

func TestATextBecomesWhatItSays(t *testing.T) {
	for name, c := range map[string]struct{ steps, properties, want string }{
		"a person's": {`[{"parse_user_agent":{"field":"ua"}}]`, `{"ua":"` + firefox + `"}`,
			`{"ua":"` + firefox + `","browser":"Firefox","browser_version":"133.0","os":"Linux","os_version":null,"device":"desktop","bot":false,"enrichment_version":1}`},
		"a bot's, with names of its own": {`[{"parse_user_agent":{"field":"ua","prefix":"v_"}}]`, `{"ua":"Googlebot/2.1"}`,
			`{"ua":"Googlebot/2.1","v_browser":"Googlebot","v_browser_version":"2.1","v_os":null,"v_os_version":null,"v_device":null,"v_bot":true,"enrichment_version":1}`},
		"beside what is known": {`[{"parse_user_agent":{"field":"ua"}}]`, `{"bot":true,"ua":"` + firefox + `","os":"Arch"}`,
			`{"bot":true,"ua":"` + firefox + `","os":"Arch","browser":"Firefox","browser_version":"133.0","os_version":null,"device":"desktop","enrichment_version":1}`},
		"in a context, and then without it": {`[{"parse_user_agent":{"field":"context.userAgent"}},{"drop":{"field":"context"}},{"filter":{"column":"bot","op":"=","value":true}}]`, `{"context":{"userAgent":"Googlebot/2.1"}}`,
			`{"browser":"Googlebot","browser_version":"2.1","os":null,"os_version":null,"device":null,"bot":true,"enrichment_version":1}`},
	} {
		if diff := cmp.Diff(c.want, after(t, c.steps, c.properties)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTextsPastTheBoundOfABatchAddNothing(t *testing.T) {
	p, err := Compile(1, []Step{{Parse: &UserAgent{Field: "ua"}}})
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]events.Event, useragent.MaxNew+3)
	for i := range batch {
		batch[i] = events.Event{ID: "e", Shape: &events.Shape{Names: []string{"ua"}}, Values: []events.Value{{Kind: events.Text, Text: fmt.Sprint(firefox, " past/", i)}}}
	}
	r, err := p.prepare(t.Context(), tenantID, newWorld(t).enricher)
	if err != nil {
		t.Fatal(err)
	}
	r.all(batch)
	for i, e := range batch {
		want := 2 // the text, and the version
		if i < useragent.MaxNew {
			want += len(parts)
		}
		if len(e.Values) != want || len(e.Shape.Names) != want || e.Refused.Code != "" {
			t.Errorf("event %d has %v", i, e.Shape.Names)
		}
	}
}
