package cloudevents

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is what a test says of an event.
type sent = eventtest.Sent

func decode(t *testing.T, header map[string]string, body string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode(headers(header), []byte(body), "", arrived)
	if err != nil {
		t.Fatal(err)
	}
	return eventtest.ShowAll(got)
}

func headers(of map[string]string) http.Header {
	header := http.Header{"Authorization": {"Bearer x"}, "Content-Length": {"7"}}
	for name, value := range of {
		header.Set(name, value)
	}
	return header
}

func TestAnEventInStructuredMode(t *testing.T) {
	cases := map[string]struct {
		event string
		want  sent
	}{
		"all that the specification knows": {`{"specversion":"1.0","id":"A-1","source":"/orders","type":"com.example.created","time":"2026-11-22T04:00:00.123Z","subject":"u1","datacontenttype":"application/json","dataschema":"https://example.com/s","partitionkey":"k","sequence":7,"sampled":true,"data":{"price":1.5,"tags":["a"]}}`,
			sent{ID: "/orders A-1", Name: "com.example.created", Time: "2026-11-22T04:00:00.123Z",
				Properties: `source=/orders subject=u1 datacontenttype=application/json dataschema=https://example.com/s partitionkey=k sequence=7 sampled=1 price=1.5 tags=["a"]`}},
		"no more than is needed": {`{"specversion":"1.0","id":"1","source":"s","type":"t"}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s"}},
		"version 0.3, with its own attributes": {`{"specversion":"0.3","id":"1","source":"s","type":"t","schemaurl":"x","datacontentencoding":"base64","data":"aGk="}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s schemaurl=x datacontentencoding=base64 data=aGk="}},
		"data that is text": {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":"<a/>"}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s data=<a/>"}},
		"data that is an array": {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":[1, 2]}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s data=[1,2]"}},
		"data that is null": {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":null}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s"}},
		"data that is bytes": {`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AAEC"}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s data_base64=AAEC"}},
		"attributes that are null": {`{"specversion":"1.0","id":"1","source":"s","type":"t","subject":null,"time":null,"x":null}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s"}},
		"data before the attributes": {`{"data":{"a":1},"type":"t","source":"s","id":"1","specversion":"1.0","x":"y"}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s x=y a=1"}},
		"data with the names of attributes": {`{"specversion":"1.0","id":"1","source":"s","type":"t","region":"eu","data":{"source":"ads","subject":"Hi","region":"us","id":9,"type":"x","time":"now"}}`,
			sent{ID: "s 1", Name: "t", Properties: "source=s region=eu data_source=ads data_subject=Hi data_region=us id=9 type=x time=now"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]sent{c.want}, decode(t, map[string]string{"Content-Type": "application/cloudevents+json; charset=UTF-8"}, c.event)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheUserIsTheAttributeThatIsNamed(t *testing.T) {
	header := headers(map[string]string{"Content-Type": Structured})
	got, err := new(Decoder).Decode(header, []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"u1","data":{"subject":"Hi"}}`), "subject", arrived)
	if err != nil || got[0].UserID != "u1" {
		t.Error(got, err)
	}
	got, err = new(Decoder).Decode(header, []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","subject":"`+strings.Repeat("x", events.MaxSubject+1)+`"}`), "subject", arrived)
	if err != nil || got[0].Refused.Code != "too_long" {
		t.Error(got, err)
	}
}

// minimal is an event with a text to fill.
const minimal = `{"specversion":"1.0","id":"1","source":"s","type":"t","data":""}`

// fates says of an event of a batch what becomes of it; no code means accepted.
var fates = map[string]eventtest.Fate{
	"no specversion":           {`{"id":"1","source":"s","type":"t"}`, "unknown_specversion"},
	"another specversion":      {`{"specversion":"2.0","id":"1","source":"s","type":"t"}`, "unknown_specversion"},
	"no id":                    {`{"specversion":"1.0","source":"s","type":"t"}`, "no_id"},
	"an empty id":              {`{"specversion":"1.0","id":"","source":"s","type":"t"}`, "no_id"},
	"an id that is a number":   {`{"specversion":"1.0","id":1,"source":"s","type":"t"}`, "wrong_type"},
	"no source":                {`{"specversion":"1.0","id":"1","type":"t"}`, "no_source"},
	"no type":                  {`{"specversion":"1.0","id":"1","source":"s"}`, "no_event_name"},
	"too long a type":          {`{"specversion":"1.0","id":"1","source":"s","type":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"a bad time":               {`{"specversion":"1.0","id":"1","source":"s","type":"t","time":"yesterday"}`, "bad_time"},
	"a time in the year 9999":  {`{"specversion":"1.0","id":"1","source":"s","type":"t","time":"9999-01-01T00:00:00Z"}`, "time_out_of_range"},
	"the same attribute twice": {`{"specversion":"1.0","id":"1","source":"s","type":"t","x":1,"x":2}`, "duplicate_key"},
	"the same id twice":        {`{"specversion":"1.0","id":"1","id":"1","source":"s","type":"t"}`, "duplicate_key"},
	"the same data twice":      {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1,"a":2}}`, "duplicate_key"},
	"invalid UTF-8":            {"{\"specversion\":\"1.0\",\"id\":\"\xff\",\"source\":\"s\",\"type\":\"t\"}", "invalid_utf8"},
	"half a surrogate pair":    {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":"\ud800"}}`, "lone_surrogate"},
	"too large a number":       {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":1e400}`, "number_out_of_range"},
	"a comma too many":         {`{"specversion":"1.0","id":"1","source":"s","type":"t",}`, "bad_json"},
	"no JSON within":           {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":NaN}}`, "bad_json"},
	"an extension and more":    {`{"specversion":"1.0","id":"1","source":"s","type":"t","x":1y}`, "bad_json"},
	"no object":                {`7`, "not_an_object"},
	"nesting that is too deep": {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "too_deep"},
	"as large as is allowed":   {eventtest.Sized(minimal, events.MaxEvent), ""},
	"too large":                {eventtest.Sized(minimal, events.MaxEvent+1), "too_large"},
	"too many properties":      {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{` + eventtest.Members(1000) + `}}`, "too_many_properties"},
	"as many as are allowed":   {`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{` + eventtest.Members(999) + `}}`, ""},
	"too many attributes":      {`{"specversion":"1.0","id":"1","source":"s","type":"t",` + eventtest.Members(1001) + `}`, "too_many_properties"},
}

func TestABadEventCostsItsNeighboursNothing(t *testing.T) {
	var d Decoder
	const first, third = `{"specversion":"1.0","id":"first","source":"s","type":"t"}`, `{"specversion":"1.0","id":"third","source":"s","type":"t"}`
	eventtest.CostsNeighboursNothing(t, fates, "s first", "s third", func(event string) ([]events.Event, error) {
		return d.Decode(http.Header{"Content-Type": {Batch}}, []byte(`[`+first+`,`+event+` , `+third+`]`), "", arrived)
	})
}

func TestARefusedEventKeepsItsIdentity(t *testing.T) {
	got := decode(t, map[string]string{"Content-Type": Batch}, `[{"specversion":"1.0","data":{"id":"no","x":NaN},"id":"1","source":"s","type":"t"}]`)
	if diff := cmp.Diff([]sent{{ID: "s 1", Name: "t", Refused: "bad_json"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestABodyOfCloudEventsIsKnownByItselfToo(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"t"}`
	for _, name := range []string{"application/json", "application/x-www-form-urlencoded", ""} {
		for _, body := range []string{event, " [" + event + "]"} {
			if diff := cmp.Diff([]sent{{ID: "s 1", Name: "t", Properties: "source=s"}}, decode(t, map[string]string{"Content-Type": name}, body)); diff != "" {
				t.Error(name, body, diff)
			}
		}
	}
}

func TestRequestsThatAreNoCloudEvents(t *testing.T) {
	cases := map[string]struct{ contentType, body, code string }{
		"text without headers":  {"text/plain", `x`, "not_a_cloudevent"},
		"nothing at all":        {"", ``, "not_a_cloudevent"},
		"another format":        {"application/cloudevents+avro", `x`, "unsupported_format"},
		"a batch in Protobuf":   {"application/cloudevents-batch+protobuf", `x`, "unsupported_format"},
		"nothing":               {Structured, "", "bad_json"},
		"an array":              {Structured, "[]", "bad_json"},
		"an object that is cut": {Structured, `{"id":"1"`, "bad_json"},
		"text after the object": {Structured, `{} x`, "bad_json"},
		"an object for a batch": {Batch, `{}`, "bad_json"},
		"a comma too many":      {Batch, `[{},]`, "bad_json"},
		"a comma missing":       {Batch, `[{} {}]`, "bad_json"},
		"a bracket too many":    {Batch, `[{}]]`, "bad_json"},
		"a batch that is cut":   {Batch, `[{}`, "bad_json"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := new(Decoder).Decode(headers(map[string]string{"Content-Type": c.contentType}), []byte(c.body), "", arrived)
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != c.code || len(got) != 0 {
				t.Errorf("%d events, %v; want %s", len(got), err, c.code)
			}
		})
	}
	if got := decode(t, map[string]string{"Content-Type": Batch}, `[ ]`); len(got) != 0 {
		t.Errorf("an empty batch has %d events", len(got))
	}
}

func TestOneIdentityBelongsToOnePairOfSourceAndID(t *testing.T) {
	text := rapid.StringMatching(`[ab :/]{1,4}|a{100,200}|sha256:[0-9a-f]{2}`)
	rapid.Check(t, func(t *rapid.T) {
		type pair struct{ source, id string }
		a, b := pair{text.Draw(t, "source"), text.Draw(t, "id")}, pair{text.Draw(t, "other source"), text.Draw(t, "other id")}
		one, two := identity(a.source, a.id), identity(b.source, b.id)
		if (a == b) != (one == two) {
			t.Errorf("%q is %q, %q is %q", a, one, b, two)
		}
		if len(one) > events.MaxID {
			t.Errorf("%q is too long", one)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, event := range eventtest.Seeds(fates) {
		f.Add([]byte(`[`+event+`]`), uint8(0), "")
		f.Add([]byte(event), uint8(1), "")
	}
	f.Add([]byte(`{"a":1}`), uint8(2), "Z%C3%bcrich")
	f.Add([]byte("\x00\xff"), uint8(3), `"a\"b%zz"`)
	modes := []string{Batch, Structured, "application/json", "text/plain"}
	var d Decoder
	f.Fuzz(func(t *testing.T, body []byte, mode uint8, subject string) {
		contentType := modes[int(mode)%len(modes)]
		header := http.Header{"Content-Type": {contentType}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}, "Ce-Subject": {subject}}
		got, err := d.Decode(header, body, "", arrived)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("not fault.Invalid: %v", err)
			}
			if json.Valid(body) && contentType == Batch && body[0] == '[' {
				t.Errorf("a valid batch is refused: %v", err)
			}
			return
		}
		var elements []json.RawMessage
		if contentType == Batch && json.Unmarshal(body, &elements) == nil && len(elements) != len(got) {
			t.Errorf("%d events of %d", len(got), len(elements))
		}
		refused := false
		for _, ev := range got {
			eventtest.Check(t, ev)
			refused = refused || ev.Refused.Code != ""
		}
		if !refused && contentType != "text/plain" && len(body) > 0 && !json.Valid(body) {
			t.Error("what is no JSON is accepted")
		}
	})
}
