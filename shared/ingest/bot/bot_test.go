package bot

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
	"github.com/tarnhq/tarn/shared/useragent"
)

const (
	crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)

var rule = Rule{Texts: []Text{{Property: "raw"}, {Property: "agent"}, {Property: "context", Member: "userAgent"}}, Header: true}

func text(s string) events.Value { return events.Value{Kind: events.Text, Text: s} }

// event makes one of names and values by turns.
func event(properties ...any) events.Event {
	e := events.Event{ID: "e"}
	for i := 0; i < len(properties); i += 2 {
		if e.Shape == nil {
			e.Shape = &events.Shape{}
		}
		e.Shape.Names = append(e.Shape.Names, properties[i].(string))
		e.Values = append(e.Values, properties[i+1].(events.Value))
	}
	return e
}

func TestWhoseTextCounts(t *testing.T) {
	object := func(s string) events.Value { return events.Value{Kind: events.JSON, Text: s} }
	fromPage := http.Header{"Origin": {"https://shop.example"}, "User-Agent": {crawler}}
	full := event()
	full.Shape = &events.Shape{Names: []string{"agent"}}
	full.Values = []events.Value{text(crawler)}
	for i := range events.MaxProperties - 1 {
		full.Shape.Names, full.Values = append(full.Shape.Names, fmt.Sprint(i)), append(full.Values, events.Value{})
	}
	for name, c := range map[string]struct {
		header http.Header
		event  events.Event
		bot    bool
	}{
		"an event that says nothing":                   {nil, event("n", text(crawler)), false},
		"a bot's own text":                             {nil, event("agent", text(crawler)), true},
		"a person's":                                   {nil, event("agent", text(chrome)), false},
		"the first property that is text":              {nil, event("agent", text(crawler), "raw", text(chrome)), false},
		"one that is no text":                          {nil, event("raw", object(`{}`), "agent", text(crawler)), true},
		"a member of an object":                        {nil, event("context", object(`{"a":{"userAgent":"x"},"userAgent":"`+crawler+`"}`)), true},
		"a member of another one":                      {nil, event("context", object(`{"a":{"userAgent":"`+crawler+`"}}`)), false},
		"a member that is no text":                     {nil, event("context", object(`{"userAgent":["`+crawler+`"]}`)), false},
		"the header of a page's request":               {fromPage, event(), true},
		"that of an image's":                           {http.Header{"Sec-Fetch-Site": {"cross-site"}, "User-Agent": {crawler}}, event("n", text("x")), true},
		"the header beside a person's own text":        {fromPage, event("agent", text(chrome)), false},
		"the header of a server's SDK":                 {http.Header{"User-Agent": {"Java/17"}, "Sec-Fetch-Mode": {"cors"}}, event(), false},
		"a bot's text in an event from a server":       {http.Header{"User-Agent": {"axios/1.2"}}, event("agent", text(crawler)), true},
		"an event with no room for another":            {nil, full, false},
		"an event whose sender says that it is no bot": {nil, event("agent", text(crawler), Property, events.Value{Kind: events.Bool}), false},
	} {
		before := eventtest.Properties(t, c.event)
		sent := []events.Event{c.event}
		rule.Flag(c.header, sent)
		want := maps.Clone(before)
		if c.bot {
			want[Property] = true
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, sent[0])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatIsRefusedAndWhatHasNoRuleIsLeftAsItIs(t *testing.T) {
	refused := events.Event{ID: "e", Refused: events.Refusal{Code: "bad_json"}, Raw: []byte(`{`)}
	sent := []events.Event{refused}
	rule.Flag(http.Header{"Origin": {"https://shop.example"}, "User-Agent": {crawler}}, sent)
	if sent[0].Shape != nil {
		t.Errorf("%+v", sent[0])
	}
	sent = []events.Event{event("agent", text(crawler))}
	Rule{}.Flag(http.Header{"Origin": {"https://shop.example"}, "User-Agent": {crawler}}, sent)
	if len(sent[0].Values) != 1 {
		t.Errorf("%+v", sent[0])
	}
}

func TestARequestHasNoMoreNewTextsReadThanTheBound(t *testing.T) {
	var sent []events.Event
	for i := range useragent.MaxNew + 5 {
		for range 2 {
			sent = append(sent, event("agent", text(fmt.Sprintf("%s bound/%d", crawler, i))))
		}
	}
	again := slices.Clone(sent)
	flagged := func(sent []events.Event) (n int) {
		rule.Flag(nil, sent)
		for _, e := range sent {
			n += len(e.Values) - 1
		}
		return n
	}
	if got, want := flagged(sent), 2*useragent.MaxNew; got != want {
		t.Errorf("%d events are flagged, want %d", got, want)
	}
	if got := flagged(again); got != len(again) {
		t.Errorf("of the retry %d events are flagged, want %d", got, len(again))
	}
}

// TestEventsOfABatchAreFlaggedEachByItself holds random batches, whose events share shapes
// and memory, against events that are alone.
func TestEventsOfABatchAreFlaggedEachByItself(t *testing.T) {
	value := rapid.SampledFrom([]events.Value{text(crawler), text(chrome), text(""), {}, {Kind: events.JSON, Text: `{"userAgent":"` + crawler + `"}`}, {Kind: events.JSON, Text: `{"userAgent":"` + chrome + `"}`}})
	rapid.Check(t, func(rt *rapid.T) {
		var shapes []*events.Shape
		for range 3 {
			shapes = append(shapes, &events.Shape{Names: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"raw", "agent", "context", Property}), 1, 4, rapid.ID[string]).Draw(rt, "names")})
		}
		header := http.Header{"User-Agent": {rapid.SampledFrom([]string{crawler, chrome, ""}).Draw(rt, "header")}}
		if rapid.Bool().Draw(rt, "page") {
			header.Set("Origin", "https://shop.example")
		}
		var memory []events.Value
		var batch, alone []events.Event
		for range rapid.IntRange(1, 20).Draw(rt, "events") {
			e := events.Event{ID: "e", Shape: rapid.SampledFrom(shapes).Draw(rt, "shape")}
			first := len(memory)
			for range e.Shape.Names {
				memory = append(memory, value.Draw(rt, "value"))
			}
			e.Values = memory[first:]
			batch = append(batch, e)
			e.Values = slices.Clone(e.Values)
			alone = append(alone, e)
		}
		rule.Flag(header, batch)
		for i := range batch {
			rule.Flag(header, alone[i:i+1])
			if diff := cmp.Diff(eventtest.Properties(t, alone[i]), eventtest.Properties(t, batch[i])); diff != "" {
				rt.Fatalf("event %d (-alone +in the batch): %s", i, diff)
			}
		}
	})
}

// BenchmarkFlag measures a batch of 100 events.
func BenchmarkFlag(b *testing.B) {
	context := events.Value{Kind: events.JSON, Text: `{"library":{"name":"analytics.js","version":"2.11.1"},"page":{"path":"/","title":"Home","url":"https://shop.example/"},"userAgent":"` + chrome + `"}`}
	for name, properties := range map[string][]any{
		"no text":        {"url", text("/"), "context", events.Value{Kind: events.JSON, Text: `{"library":{"name":"analytics-node","version":"3.1"}}`}},
		"a person's":     {"url", text("/"), "agent", text(chrome)},
		"within context": {"url", text("/"), "context", context},
		"a bot's":        {"url", text("/"), "agent", text(crawler)},
	} {
		b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			one := event(properties...)
			batch := make([]events.Event, 100)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = one
				}
				rule.Flag(nil, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/event")
		})
	}
}
