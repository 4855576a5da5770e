package segmentapi

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is what a test says of an event.
type sent = eventtest.Sent

func decode(t *testing.T, call Call, body string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode(call, []byte(body), arrived)
	if err != nil {
		t.Fatal(err)
	}
	return eventtest.ShowAll(got)
}

func TestEachCallIsAnEvent(t *testing.T) {
	cases := map[string]struct {
		call    Call
		message string
		want    sent
	}{
		"track": {Track, `{"event":"Bought","userId":"u1","messageId":"m1","properties":{"price":1.5,"tags":["a"]},"timestamp":"2026-11-22T04:00:00.123Z"}`,
			sent{ID: "m1", Name: "Bought", User: "u1", Time: "2026-11-22T04:00:00.123Z", Properties: `price=1.5 tags=["a"]`}},
		"identify": {Identify, `{"userId":"u1","anonymousId":"a1","traits":{"plan":"pro","age":7}}`,
			sent{ID: "made", Name: "identify", User: "u1", Anonymous: "a1", Properties: "plan=pro age=7"}},
		"page with the category in both places": {Page, `{"userId":"u1","name":"Home","category":"c","properties":{"url":"/","category":"c"}}`,
			sent{ID: "made", Name: "page", User: "u1", Properties: "url=/ category=c name=Home"}},
		"screen with another name among its properties": {Screen, `{"name":"Home","properties":{"name":"Start"}}`,
			sent{ID: "made", Name: "screen", Properties: "name=Start message_name=Home"}},
		"group": {Group, `{"userId":"u1","groupId":"g1","traits":{"size":3}}`,
			sent{ID: "made", Name: "group", User: "u1", Properties: "size=3 group_id=g1"}},
		"alias": {Alias, `{"userId":"u1","previousId":"old"}`,
			sent{ID: "made", Name: "alias", User: "u1", Properties: "previous_id=old"}},
		"the context, and the session in it": {Track, `{"event":"a","context":{"sessionId":"s1","ip":"::1"}}`,
			sent{ID: "made", Name: "a", Session: "s1", Properties: `context={"sessionId":"s1","ip":"::1"}`}},
		"a session that is a number": {Track, `{"event":"a","context":{"sessionId":1662393792234}}`,
			sent{ID: "made", Name: "a", Session: "1662393792234", Properties: `context={"sessionId":1662393792234}`}},
		"a user id that is a number": {Track, `{"event":"a","userId":42}`, sent{ID: "made", Name: "a", User: "42"}},
		"what says how it travels is left out": {Track, `{"event":"a","type":"track","integrations":{"All":true},"_metadata":{"x":NaN},"writeKey":"k","receivedAt":1}`,
			sent{ID: "made", Name: "a"}},
		"an unknown key is kept": {Track, `{"event":"a","channel":"server","version":2}`,
			sent{ID: "made", Name: "a", Properties: "channel=server version=2"}},
		"a field of another call is kept": {Identify, `{"event":"x","properties":{"a":1},"groupId":"g"}`,
			sent{ID: "made", Name: "identify", Properties: `event=x properties={"a":1} groupId=g`}},
		"nulls are nothing": {Track, `{"event":"a","userId":null,"messageId":null,"timestamp":null,"properties":null,"context":null,"sentAt":null}`,
			sent{ID: "made", Name: "a"}},
		"a message alone says nothing of its type": {Track, `{"event":"a","type":"page"}`, sent{ID: "made", Name: "a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]sent{c.want}, decode(t, c.call, c.message)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheSendersClockIsMended(t *testing.T) {
	cases := map[string]struct{ message, want, properties string }{
		"a clock that is an hour slow": {`"timestamp":"2026-11-22T03:59:00Z","sentAt":"2026-11-22T04:00:00Z"`,
			"2026-11-22T04:59:00Z", "original_timestamp=2026-11-22T03:59:00Z"},
		"a clock that is a year fast": {`"timestamp":"2027-11-22T04:59:00Z","sentAt":"2027-11-22T05:00:00Z"`,
			"2026-11-22T04:59:00Z", "original_timestamp=2027-11-22T04:59:00Z"},
		"an originalTimestamp only": {`"originalTimestamp":"2026-11-22T03:59:00Z","sentAt":"2026-11-22T04:00:00Z"`,
			"2026-11-22T04:59:00Z", "original_timestamp=2026-11-22T03:59:00Z"},
		"both, of which the timestamp counts": {`"originalTimestamp":"2026-11-22T04:00:00Z","timestamp":"2020-01-01T00:00:00Z","sentAt":"2026-11-22T05:00:00Z"`,
			"2020-01-01T00:00:00Z", "original_timestamp=2020-01-01T00:00:00Z message_original_timestamp=2026-11-22T04:00:00Z"},
		"no sentAt":                {`"timestamp":"2026-11-22T03:59:00Z"`, "2026-11-22T03:59:00Z", ""},
		"a sentAt that is no time": {`"timestamp":"2026-11-22T03:59:00Z","sentAt":"now"`, "2026-11-22T03:59:00Z", ""},
		"no timestamp":             {`"sentAt":"2026-11-22T04:00:00Z"`, "", ""},
		"an offset":                {`"timestamp":"2026-11-22T03:59:00+01:00"`, "2026-11-22T02:59:00Z", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := decode(t, Track, `{"event":"a",`+c.message+`}`)
			if diff := cmp.Diff([]sent{{ID: "made", Name: "a", Time: c.want, Properties: c.properties}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABatchOfEachSDKAsItSendsIt(t *testing.T) {
	got := decode(t, Batch, `{"batch":[{"timestamp":"2026-11-22T04:59:59Z","integrations":{},"event":"E","type":"track","properties":{"a":1},"context":{"library":{"name":"@segment/analytics-node"}},"userId":"u1","messageId":"node-next-1","_metadata":{"nodeVersion":"v20"}}],"writeKey":"WK","sentAt":"2026-11-22T05:00:00Z"}`)
	want := []sent{{ID: "node-next-1", Name: "E", Time: "2026-11-22T04:59:59Z", User: "u1",
		Properties: `a=1 context={"library":{"name":"@segment/analytics-node"}} original_timestamp=2026-11-22T04:59:59Z`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = decode(t, Batch, `{"batch":[{"userId":"u1","traits":{"n":1},"context":{"traits":{"n":1}},"type":"identify","channel":"server","_metadata":{},"originalTimestamp":"2026-11-22T04:58:59Z","messageId":"m1","sentAt":"2026-11-22T04:59:00Z"},
		{"previousId":"old","userId":"u1","type":"alias","channel":"server","originalTimestamp":"2026-11-22T04:58:59Z","messageId":"m2","sentAt":"2026-11-22T04:59:00Z"}],"timestamp":"2026-11-22T04:59:00Z","sentAt":"2026-11-22T04:59:00Z"}`)
	want = []sent{
		{ID: "m1", Name: "identify", Time: "2026-11-22T04:59:59Z", User: "u1",
			Properties: `n=1 context={"traits":{"n":1}} original_timestamp=2026-11-22T04:58:59Z channel=server`},
		{ID: "m2", Name: "alias", Time: "2026-11-22T04:59:59Z", User: "u1",
			Properties: `previous_id=old original_timestamp=2026-11-22T04:58:59Z channel=server`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesWithoutAContextHaveThatOfTheBatch(t *testing.T) {
	got := decode(t, Batch, `{"batch":[{"type":"track","event":"a"},{"type":"track","event":"b","context":{"x":2}}],"context":{"sessionId":"s","x":1}}`)
	want := []sent{
		{ID: "made", Name: "a", Session: "s", Properties: `context={"sessionId":"s","x":1}`},
		{ID: "made", Name: "b", Properties: `context={"x":2}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// minimal is an event with a text to fill.
const minimal = `{"type":"page","properties":{"x":""}}`

// fates says of a message of a batch what becomes of it; no code means accepted.
var fates = map[string]eventtest.Fate{
	"no type":                                  {`{"event":"a"}`, "no_type"},
	"a type that is null":                      {`{"event":"a","type":null}`, "no_type"},
	"a type that is a number":                  {`{"event":"a","type":1}`, "wrong_type"},
	"an unknown type":                          {`{"event":"a","type":"trace"}`, "unknown_type"},
	"a batch in a batch":                       {`{"type":"batch","batch":[]}`, "unknown_type"},
	"a track without an event":                 {`{"type":"track"}`, "no_event_name"},
	"an event that is a number":                {`{"type":"track","event":1}`, "wrong_type"},
	"too long an event":                        {`{"type":"track","event":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a messageId":                     {`{"type":"page","messageId":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"a user id with a fraction":                {`{"type":"page","userId":1.5}`, "wrong_type"},
	"a user id that is an array":               {`{"type":"page","userId":[]}`, "wrong_type"},
	"a user id of many digits":                 {`{"type":"page","userId":` + strings.Repeat("9", 300) + `}`, "too_long"},
	"a session that is true":                   {`{"type":"page","context":{"sessionId":true}}`, "wrong_type"},
	"properties that are text":                 {`{"type":"page","properties":"x"}`, "wrong_type"},
	"traits that are an array":                 {`{"type":"group","traits":[]}`, "wrong_type"},
	"a bad time":                               {`{"type":"page","timestamp":"yesterday"}`, "bad_time"},
	"a time that is a number":                  {`{"type":"page","timestamp":1767323045}`, "wrong_type"},
	"a time in the year 9999":                  {`{"type":"page","timestamp":"9999-01-01T00:00:00Z"}`, "time_out_of_range"},
	"a time that leaves the range when mended": {`{"type":"page","timestamp":"1950-01-01T00:00:00Z","sentAt":"2199-01-01T00:00:00Z"}`, "time_out_of_range"},
	"the same key twice":                       {`{"type":"page","userId":"a","userId":"b"}`, "duplicate_key"},
	"the same property twice":                  {`{"type":"page","properties":{"a":1,"a":1}}`, "duplicate_key"},
	"the same other key twice":                 {`{"type":"page","x":1,"x":2}`, "duplicate_key"},
	"invalid UTF-8":                            {"{\"type\":\"page\",\"userId\":\"\xff\"}", "invalid_utf8"},
	"NUL":                                      {`{"type":"page","properties":{"a":"\u0000"}}`, "nul_in_text"},
	"half a surrogate pair":                    {`{"type":"page","context":{"a":"\ud800"}}`, "lone_surrogate"},
	"nesting that is too deep":                 {`{"type":"page","context":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "too_deep"},
	"a number that is too large":               {`{"type":"page","properties":{"a":1e400}}`, "number_out_of_range"},
	"a comma too many":                         {`{"type":"page",}`, "bad_json"},
	"no JSON within":                           {`{"type":"page","properties":{"a":NaN}}`, "bad_json"},
	"a literal and more":                       {`{"type":"page","userId":nullx}`, "bad_json"},
	"a number and more":                        {`{"type":"page","userId":1x}`, "bad_json"},
	"no object":                                {`7`, "not_an_object"},
	"as large as is allowed":                   {eventtest.Sized(minimal, events.MaxEvent), ""},
	"too large":                                {eventtest.Sized(minimal, events.MaxEvent+1), "too_large"},
	"too many properties in all":               {`{"type":"page","properties":{` + eventtest.Members(1000) + `},"name":"x"}`, "too_many_properties"},
}

func TestABadMessageCostsItsNeighboursNothing(t *testing.T) {
	var d Decoder
	eventtest.CostsNeighboursNothing(t, fates, "m1", "m3", func(message string) ([]events.Event, error) {
		return d.Decode(Batch, []byte(`{"batch":[{"type":"page","messageId":"m1"},`+message+` , {"type":"page","messageId":"m3"}]}`), arrived)
	})
}

func TestARefusedMessageKeepsItsID(t *testing.T) {
	got := decode(t, Batch, `{"batch":[{"type":"track","properties":{"messageId":"no","x":NaN},"event":"a","messageId":"m1"}]}`)
	if diff := cmp.Diff([]sent{{ID: "m1", Name: "a", Refused: "bad_json"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestALargeContextOfTheBatchIsNotCopiedIntoMessages(t *testing.T) {
	got := decode(t, Batch, `{"batch":[{"type":"page"},{"type":"page","context":{}}],"context":{"x":"`+strings.Repeat("x", events.MaxEvent)+`"}}`)
	if len(got) != 2 || got[0].Refused != "too_large" || got[1].Refused != "" {
		t.Errorf("%+v", got)
	}
}

func TestAContextOfTheBatchCountsForEachMessageThatHasIt(t *testing.T) {
	context := `{"x":"` + strings.Repeat("x", 30_000) + `"}`
	swollen := `{"batch":[` + strings.Repeat(`{"type":"page"},`, scan.MaxSize/30_000) + `{"type":"page"}],"context":` + context + `}`
	got, err := new(Decoder).Decode(Batch, []byte(swollen), arrived)
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.TooLarge || e.Hint == "" || got != nil {
		t.Errorf("%d events, %v", len(got), err)
	}
	own := strings.Replace(swollen, `"page"`, `"page","context":{}`, -1)
	if got := decode(t, Batch, own); got[0].Refused != "" {
		t.Errorf("messages with contexts of their own: %+v", got[0])
	}
}

func TestBodiesThatCannotBeToldApart(t *testing.T) {
	cases := map[string]struct {
		call       Call
		body, code string
	}{
		"nothing":               {Track, "", "bad_json"},
		"an array":              {Batch, `[{"type":"page"}]`, "bad_json"},
		"an object that is cut": {Track, `{"event":"a"`, "bad_json"},
		"text after the object": {Track, `{"event":"a"} x`, "bad_json"},
		"no batch":              {Batch, `{"event":"a","type":"track"}`, "no_batch"},
		"a batch of text":       {Batch, `{"batch":"x"}`, "no_batch"},
		"a comma too many":      {Batch, `{"batch":[{"type":"page"},]}`, "bad_json"},
		"a comma missing":       {Batch, `{"batch":[{"type":"page"} {"type":"page"}]}`, "bad_json"},
		"a bracket too many":    {Batch, `{"batch":[{"type":"page"}]]}`, "bad_json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := new(Decoder).Decode(c.call, []byte(c.body), arrived)
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != c.code || len(got) != 0 {
				t.Errorf("%d events, %v; want %s", len(got), err, c.code)
			}
		})
	}
	if got := decode(t, Batch, `{"batch":[ ]}`); len(got) != 0 {
		t.Errorf("an empty batch has %d events", len(got))
	}
}

func TestWriteKey(t *testing.T) {
	cases := map[string]string{
		`{"batch":[{"writeKey":"no"}],"writeKey":"WK"}`: "WK",
		` {"writeKey" : "W\u004b"}`:                     "WK",
		`{"writeKey":7}`:                                "",
		`{"writeKey":`:                                  "",
		`[]`:                                            "",
		``:                                              "",
		`{"writeKey":"` + strings.Repeat("x", 257) + `"}`: "",
	}
	for body, want := range cases {
		if got := WriteKey([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

// useless matches a body that may have a key whose value nobody reads.
var useless = regexp.MustCompile(`integrations|_metadata|writeKey|receivedAt|\\u`)

func FuzzDecode(f *testing.F) {
	for _, event := range eventtest.Seeds(fates) {
		f.Add([]byte(`{"batch":[`+event+`],"sentAt":"2026-11-22T05:00:00Z","context":{"a":1}}`), true)
		f.Add([]byte(event), false)
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, body []byte, many bool) {
		call := Track
		if many {
			call = Batch
		}
		got, err := d.Decode(call, body, arrived)
		WriteKey(body)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("not fault.Invalid: %v", err)
			}
			return
		}
		var outer struct{ Batch []json.RawMessage }
		if many && json.Unmarshal(body, &outer) == nil && strings.Count(strings.ToLower(string(body)), "batch") == 1 && !strings.Contains(string(body), `\u`) && len(got) != len(outer.Batch) {
			t.Errorf("%d events of %d messages", len(got), len(outer.Batch))
		}
		refused := false
		for _, ev := range got {
			eventtest.Check(t, ev)
			refused = refused || ev.Refused.Code != ""
		}
		if !many && !refused && !json.Valid(body) && !useless.Match(body) {
			t.Error("an invalid message is accepted")
		}
	})
}
