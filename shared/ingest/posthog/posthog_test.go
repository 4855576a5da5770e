package posthog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is what a test says of an event.
type sent = eventtest.Sent

func decode(t *testing.T, body string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode(Request{Body: []byte(body), Arrived: arrived})
	if err != nil {
		t.Fatal(err)
	}
	return eventtest.ShowAll(got)
}

func TestAnEventByItself(t *testing.T) {
	cases := map[string]struct {
		event string
		want  sent
	}{
		"as posthog-node sends it": {`{"distinct_id":"u1","event":"bought","properties":{"price":1.5,"$lib":"posthog-node"},"timestamp":"2026-11-22T04:00:00.123Z","uuid":"0199-1"}`,
			sent{ID: "0199-1", Name: "bought", User: "u1", Time: "2026-11-22T04:00:00.123Z", Properties: "price=1.5 $lib=posthog-node"}},
		"as posthog-js sends it, of somebody unknown": {`{"uuid":"1","event":"$pageview","properties":{"token":"KEY","distinct_id":"d1","$device_id":"d1","$session_id":"s1","$is_identified":false}}`,
			sent{ID: "1", Name: "$pageview", Anonymous: "d1", Session: "s1", Properties: "token=null distinct_id=d1 $device_id=d1 $session_id=s1 $is_identified=0"}},
		"as posthog-js sends it, of somebody known": {`{"uuid":"1","event":"$pageview","properties":{"distinct_id":"u1","$device_id":"d1","$is_identified":true}}`,
			sent{ID: "1", Name: "$pageview", User: "u1", Anonymous: "d1", Properties: "distinct_id=u1 $device_id=d1 $is_identified=1"}},
		"without a profile": {`{"uuid":"1","event":"a","distinct_id":"x","properties":{"$process_person_profile":false}}`,
			sent{ID: "1", Name: "a", Anonymous: "x", Properties: "$process_person_profile=0"}},
		"somebody becomes known": {`{"uuid":"1","event":"$identify","distinct_id":"u1","properties":{"$anon_distinct_id":"d1"},"$set":{"plan":"pro"}}`,
			sent{ID: "1", Name: "$identify", User: "u1", Anonymous: "d1", Properties: `$anon_distinct_id=d1 $set={"plan":"pro"}`}},
		"an alias":                   {`{"uuid":"1","event":"$create_alias","distinct_id":"u1","properties":{"distinct_id":"u1","alias":"old"}}`, sent{ID: "1", Name: "$create_alias", User: "u1", Properties: "distinct_id=u1 alias=old"}},
		"a group":                    {`{"uuid":"1","event":"$groupidentify","distinct_id":"$org_5","properties":{"$group_set":{"n":1}}}`, sent{ID: "1", Name: "$groupidentify", User: "$org_5", Properties: `$group_set={"n":1}`}},
		"a distinct id of digits":    {`{"uuid":"1","event":"a","distinct_id":42}`, sent{ID: "1", Name: "a", User: "42"}},
		"a device that is no id":     {`{"uuid":"1","event":"a","distinct_id":"u","properties":{"$device_id":true}}`, sent{ID: "1", Name: "a", User: "u", Properties: "$device_id=1"}},
		"without a uuid":             {`{"event":"a","distinct_id":"u","properties":{"$insert_id":"i1"}}`, sent{ID: "i1", Name: "a", User: "u", Properties: "$insert_id=i1"}},
		"with nothing that names it": {`{"event":"a"}`, sent{ID: "made", Name: "a"}},
		"another token than its key": {`{"api_key":"KEY","uuid":"1","event":"a","properties":{"token":"mine"}}`, sent{ID: "1", Name: "a", Properties: "token=mine"}},
		"unknown members are kept":   {`{"uuid":"1","event":"a","type":"capture","$set_once":{"a":1},"properties":{"$set_once":{"a":2}},"x":null}`, sent{ID: "1", Name: "a", Properties: `$set_once={"a":2} type=capture message_$set_once={"a":1} x=null`}},
		"nulls are nothing":          {`{"uuid":null,"event":"a","distinct_id":null,"timestamp":null,"properties":null,"offset":null}`, sent{ID: "made", Name: "a", Properties: "offset=null"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]sent{c.want}, decode(t, c.event)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheTimeIsWhatPostHogMakesOfIt(t *testing.T) {
	cases := map[string]struct{ members, want, properties string }{
		"a clock that is an hour slow":     {`"timestamp":"2026-11-22T03:59:00Z","sent_at":"2026-11-22T04:00:00Z"`, "2026-11-22T04:59:00Z", "original_timestamp=2026-11-22T03:59:00Z"},
		"a clock that is not to be mended": {`"timestamp":"2026-11-22T03:59:00Z","sent_at":"2026-11-22T04:00:00Z","properties":{"$ignore_sent_at":true}`, "2026-11-22T03:59:00Z", "$ignore_sent_at=1"},
		"a sent_at that is no time":        {`"timestamp":"2026-11-22T03:59:00Z","sent_at":"now"`, "2026-11-22T03:59:00Z", ""},
		"an offset":                        {`"offset":60000`, "2026-11-22T04:59:00Z", ""},
		"an offset beside a time":          {`"offset":60000,"timestamp":"2020-01-01T00:00:00Z"`, "2026-11-22T04:59:00Z", "original_timestamp=2020-01-01T00:00:00Z"},
		"an offset that is none":           {`"offset":0.5`, "", "offset=0.5"},
		"an offset of a million years":     {`"offset":31556952000000000`, "", "offset=31556952000000000"},
		"no zone":                          {`"timestamp":"2026-11-22T03:59:00"`, "2026-11-22T03:59:00Z", ""},
		"no hour":                          {`"timestamp":"2026-11-22"`, "2026-11-22T00:00:00Z", ""},
		"no time":                          {`"sent_at":"2026-11-22T04:00:00Z"`, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			want := []sent{{ID: "1", Name: "a", Time: c.want, Properties: c.properties}}
			if diff := cmp.Diff(want, decode(t, `{"event":"a","uuid":"1",`+c.members+`}`)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABodyInEachFormIsTheSame(t *testing.T) {
	const event = `{"uuid":"1","event":"a","properties":{"token":"KEY","n":1}}`
	want := []sent{{ID: "1", Name: "a", Properties: "token=null n=1"}}
	for name, body := range map[string]string{
		"an event": event, "an array": " [" + event + "] ", "a batch": `{"api_key":"KEY","batch":[` + event + `]}`, "a batch by its token": `{"token":"KEY","batch":[` + event + `],"sent_at":null}`,
		"a form": "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(event))) + "&ver=1",
	} {
		if diff := cmp.Diff(want, decode(t, body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got := Key([]byte(body)); got != "KEY" {
			t.Errorf("%s: the key is %q", name, got)
		}
	}
	for _, body := range []string{`[]`, ``, `{`, `{"api_key":7}`, `data=%zz`, `{"batch":[` + event + `]}`} {
		if got := Key([]byte(body)); got != "" {
			t.Errorf("%s: the key is %q", body, got)
		}
	}
}

// TestAnEventIsTheSameInBothProtocols has events as v0 sends them, and as posthog-node's
// v1 makes them of those.
func TestAnEventIsTheSameInBothProtocols(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v0 := map[string]any{"event": "a", "uuid": "1", "distinct_id": rapid.StringMatching(`[ud][0-9]`).Draw(t, "distinct id"), "timestamp": "2026-11-22T04:00:00.123Z"}
		v1 := map[string]any{"event": "a", "uuid": "1", "distinct_id": v0["distinct_id"], "timestamp": v0["timestamp"]}
		plain := map[string]any{"n": 1}
		properties, options := map[string]any{"n": 1, "$lib": "posthog-node", "$lib_version": "5.70.0"}, map[string]any{}
		for v0Name, v1Name := range map[string]string{"$process_person_profile": "process_person_profile", "$ignore_sent_at": "disable_skew_correction", "$cookieless_mode": "cookieless_mode"} {
			if rapid.Bool().Draw(t, v0Name) {
				properties[v0Name] = rapid.Bool().Draw(t, v0Name+" is")
				options[v1Name] = properties[v0Name]
			}
		}
		for v0Name, v1Name := range map[string]string{"$session_id": "session_id", "$window_id": "window_id"} {
			if rapid.Bool().Draw(t, v0Name) {
				properties[v0Name], v1[v1Name] = "x", "x"
			}
		}
		v0["properties"], v1["properties"], v1["options"] = properties, plain, options
		const clock = "2026-11-22T04:59:00Z"
		one := decodeOne(t, map[string]any{"api_key": "KEY", "batch": []any{v0}, "sent_at": clock}, Request{})
		at, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		two := decodeOne(t, map[string]any{"created_at": clock, "batch": []any{v1}}, Request{Sent: at.UnixMicro(), Library: "posthog-node/5.70.0"})
		if diff := cmp.Diff(byName(one), byName(two)); diff != "" || one.Refused.Code != "" {
			t.Errorf("-v0 +v1: %s %v", diff, one.Refused)
		}
		one.Shape, one.Values, two.Shape, two.Values = nil, nil, nil, nil
		if diff := cmp.Diff(one, two); diff != "" {
			t.Errorf("-v0 +v1: %s", diff)
		}
	})
}

func decodeOne(t *rapid.T, body any, req Request) events.Event {
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req.Body, req.Arrived = text, arrived
	got, err := new(Decoder).Decode(req)
	if err != nil || len(got) != 1 {
		t.Fatal(err, len(got))
	}
	return got[0]
}

func byName(ev events.Event) map[string]events.Value {
	all := map[string]events.Value{}
	for i, v := range ev.Values {
		all[ev.Shape.Names[i]] = v
	}
	return all
}

// minimal is an event with a text to fill.
const minimal = `{"event":"a","properties":{"x":""}}`

// fates says of an event of a batch what becomes of it; no code means accepted.
var fates = map[string]eventtest.Fate{
	"no name":                     {`{"uuid":"2"}`, "no_event_name"},
	"an empty name":               {`{"uuid":"2","event":""}`, "no_event_name"},
	"a name that is a number":     {`{"event":1}`, "wrong_type"},
	"too long a name":             {`{"event":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a uuid":             {`{"event":"a","uuid":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a distinct id":      {`{"event":"a","distinct_id":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"a distinct id that is a map": {`{"event":"a","distinct_id":{}}`, "wrong_type"},
	"a distinct id in halves":     {`{"event":"a","distinct_id":1.5}`, "wrong_type"},
	"properties that are text":    {`{"event":"a","properties":"x"}`, "wrong_type"},
	"a bad time":                  {`{"event":"a","timestamp":"yesterday"}`, "bad_time"},
	"a time that is a number":     {`{"event":"a","timestamp":1767323045}`, "wrong_type"},
	"a time in the year 9999":     {`{"event":"a","timestamp":"9999-01-01T00:00:00Z"}`, "time_out_of_range"},
	"an offset of 200 years":      {`{"event":"a","offset":6311390400000}`, "time_out_of_range"},
	"the same member twice":       {`{"event":"a","event":"b"}`, "duplicate_key"},
	"the same property twice":     {`{"event":"a","properties":{"a":1,"a":1}}`, "duplicate_key"},
	"invalid UTF-8":               {"{\"event\":\"a\",\"distinct_id\":\"\xff\"}", "invalid_utf8"},
	"NUL":                         {`{"event":"a","properties":{"a":"\u0000"}}`, "nul_in_text"},
	"too large a number":          {`{"event":"a","properties":{"a":1e400}}`, "number_out_of_range"},
	"a comma too many":            {`{"event":"a",}`, "bad_json"},
	"no JSON within":              {`{"event":"a","properties":{"a":NaN}}`, "bad_json"},
	"options that are no JSON":    {`{"event":"a","options":{"a":x}}`, "bad_json"},
	"options that are text":       {`{"event":"a","options":"x"}`, ""},
	"no object":                   {`7`, "not_an_object"},
	"as large as is allowed":      {eventtest.Sized(minimal, events.MaxEvent), ""},
	"too large":                   {eventtest.Sized(minimal, events.MaxEvent+1), "too_large"},
	"too many properties in all":  {`{"event":"a","properties":{` + eventtest.Members(1000) + `},"x":"x"}`, "too_many_properties"},
	"too many members":            {`{"event":"a",` + eventtest.Members(1001) + `}`, "too_many_properties"},
}

func TestABadEventCostsItsNeighboursNothing(t *testing.T) {
	var d Decoder
	eventtest.CostsNeighboursNothing(t, fates, "1", "3", func(event string) ([]events.Event, error) {
		return d.Decode(Request{Body: []byte(`{"batch":[{"event":"a","uuid":"1"},` + event + ` , {"event":"a","uuid":"3"}]}`), Arrived: arrived})
	})
}

func TestARefusedEventKeepsItsIdentity(t *testing.T) {
	if diff := cmp.Diff([]sent{{ID: "1", Name: "a", Refused: "bad_json"}}, decode(t, `{"properties":{"uuid":"no","x":NaN},"event":"a","uuid":"1"}`)); diff != "" {
		t.Error(diff)
	}
}

func TestTheLibrarysNameCountsForEachEventThatHasIt(t *testing.T) {
	library := strings.Repeat("x", 30_000) + "/1"
	body := `[` + strings.Repeat(`{"event":"a"},`, scan.MaxSize/30_000) + `{"event":"a"}]`
	_, err := new(Decoder).Decode(Request{Body: []byte(body), Arrived: arrived, Library: library})
	if fault.KindOf(err) != fault.TooLarge {
		t.Error(err)
	}
	body = strings.ReplaceAll(body, `"a"`, `"a","properties":{"$lib":"x","$lib_version":"1"}`)
	if _, err := new(Decoder).Decode(Request{Body: []byte(body), Arrived: arrived, Library: library}); err != nil {
		t.Error("events that name their own:", err)
	}
}

func TestTheLibrarysNameIsText(t *testing.T) {
	got, err := new(Decoder).Decode(Request{Body: []byte(`{"event":"a"}`), Arrived: arrived, Library: "a\xff/1"})
	if err != nil || len(got) != 1 {
		t.Fatal(err, len(got))
	}
	eventtest.Check(t, got[0])
}

func TestBodiesThatCannotBeToldApart(t *testing.T) {
	for name, c := range map[string]struct{ body, code string }{
		"nothing": {"", "bad_json"}, "text": {"x", "bad_json"}, "an object that is cut": {`{"event":"a"`, "bad_json"}, "text after the object": {`{"event":"a"} x`, "bad_json"},
		"a batch of text": {`{"batch":"x"}`, "no_batch"}, "a comma too many": {`{"batch":[{"event":"a"},]}`, "bad_json"}, "a comma missing": {`[{"event":"a"} {"event":"a"}]`, "bad_json"},
		"a bracket too many": {`[{"event":"a"}]]`, "bad_json"}, "a form that is no base64": {"data=!", "bad_encoding"}, "a form that is none": {"data=%zz", "bad_encoding"},
	} {
		got, err := new(Decoder).Decode(Request{Body: []byte(c.body), Arrived: arrived})
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != c.code || len(got) != 0 {
			t.Errorf("%s: %d events, %v; want %s", name, len(got), err, c.code)
		}
	}
	if got := decode(t, `{"batch":[ ]}`); len(got) != 0 {
		t.Errorf("an empty batch has %d events", len(got))
	}
}

func FuzzDecode(f *testing.F) {
	for _, event := range eventtest.Seeds(fates) {
		f.Add([]byte(`{"api_key":"k","batch":[` + event + `],"sent_at":"2026-11-22T05:00:00Z"}`))
		f.Add([]byte(`[` + event + `]`))
	}
	f.Add([]byte("data=e30%3D&ver=1"))
	var d Decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := d.Decode(Request{Body: body, Arrived: arrived, Library: "a/1"})
		Key(body)
		var elements []json.RawMessage
		array := strings.HasPrefix(string(body), "[") && json.Unmarshal(body, &elements) == nil
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || array {
				t.Errorf("%v", err)
			}
			return
		}
		if array && len(got) != len(elements) {
			t.Errorf("%d events of %d", len(got), len(elements))
		}
		refused := false
		for _, ev := range got {
			eventtest.Check(t, ev)
			refused = refused || ev.Refused.Code != ""
		}
		if !refused && !json.Valid(body) && !unread.Match(body) {
			t.Error("what is no JSON is accepted")
		}
	})
}

// unread matches a body that may have a member whose value nobody reads, beside the events
// or in one, or that is a form.
var unread = regexp.MustCompile(`api_key|token|sent_at|batch|\\u|^data=`)
