package otlp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is an event as it is compared.
type sent struct {
	ID, Name, Time             string
	User, Anonymous, Session   string
	Properties, Refused, Where string
}

func decode(t *testing.T, signal Signal, body string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode(signal, true, []byte(body), arrived)
	if err != nil {
		t.Fatal(err)
	}
	return seen(got)
}

func seen(all []events.Event) (out []sent) {
	for _, e := range all {
		s := sent{ID: e.ID, Name: e.Name, User: e.UserID, Anonymous: e.AnonymousID, Session: e.SessionID, Refused: e.Refused.Code}
		if !e.MadeTime {
			s.Time = time.UnixMicro(e.Time).UTC().Format(time.RFC3339Nano)
		}
		if e.Refused.Code != "" {
			s.Where, _, _ = strings.Cut(e.Refused.Reason, ":")
		}
		if e.Shape != nil {
			var parts []string
			for i, v := range e.Values {
				parts = append(parts, e.Shape.Names[i]+"="+string(v.AppendJSON(nil)))
			}
			s.Properties = strings.Join(parts, " ")
		}
		out = append(out, s)
	}
	return out
}

// logs is a request of log records of one resource and scope.
func logs(records ...string) string {
	return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[` + strings.Join(records, ",") + `]}]}]}`
}

const digest = 32 // hexadecimal digits

// placeOf returns the place in an id that is a request's digest and a place.
func placeOf(id string) string {
	if len(id) > digest {
		return id[digest:]
	}
	return id
}

func TestALogRecordIsAnEvent(t *testing.T) {
	cases := map[string]struct {
		record string
		want   sent
	}{
		"as an SDK sends it": {`{"timeUnixNano":"1795323542303000123","observedTimeUnixNano":"1795323542304000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"order placed"},
			"attributes":[{"key":"order.id","value":{"intValue":"9007199254740993"}},{"key":"user.id","value":{"stringValue":"u1"}},{"key":"session.id","value":{"stringValue":"s1"}}],"droppedAttributesCount":0,"flags":1,"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331"}`,
			sent{Name: "log", Time: "2026-11-22T04:59:02.303Z", User: "u1", Session: "s1",
				Properties: `time_unix_nano=1795323542303000123 observed_time_unix_nano=1795323542304000000 severity_number=9 severity_text="INFO" body="order placed" flags=1 trace_id="0af7651916cd43dd8448eb211c80319c" span_id="b7ad6b7169203331" order.id=9007199254740993`}},
		"an event has its own name":   {`{"eventName":"cart.emptied"}`, sent{Name: "cart.emptied"}},
		"the observed time will do":   {`{"observedTimeUnixNano":"1795323542304000000"}`, sent{Name: "log", Time: "2026-11-22T04:59:02.304Z", Properties: "observed_time_unix_nano=1795323542304000000"}},
		"without anything":            {`{}`, sent{Name: "log"}},
		"a number as it is written":   {`{"timeUnixNano":1795323542303000123}`, sent{Name: "log", Time: "2026-11-22T04:59:02.303Z", Properties: "time_unix_nano=1795323542303000123"}},
		"unknown fields and nulls":    {`{"eventName":null,"attributes":null,"body":null,"colour":{"x":[1]}}`, sent{Name: "log"}},
		"ids of zeros are none":       {`{"traceId":"00000000000000000000000000000000","spanId":"0000000000000000"}`, sent{Name: "log"}},
		"a body of several values":    {`{"body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":0.5},{"boolValue":true},{},{"bytesValue":"AQI="},{"arrayValue":{}}]}}},{"key":"b"}]}}}`, sent{Name: "log", Properties: `body={"a":[1,0.5,true,null,"AQI=",[]],"b":null}`}},
		"values of each kind":         {`{"attributes":[{"key":"s","value":{"stringValue":"x"}},{"key":"b","value":{"boolValue":false}},{"key":"i","value":{"intValue":-3}},{"key":"d","value":{"doubleValue":2}},{"key":"y","value":{"bytesValue":"_-8"}},{"key":"n","value":{"doubleValue":"NaN"}},{"key":"e","value":{}}]}`, sent{Name: "log", Properties: `s="x" b=false i=-3 d=2.0 y="/+8=" n="NaN" e=null`}},
		"a field keeps its name":      {`{"body":{"stringValue":"b"},"attributes":[{"key":"body","value":{"intValue":"1"}}]}`, sent{Name: "log", Properties: `body="b" attribute.body=1`}},
		"an attribute that is twice":  {`{"attributes":[{"key":"a","value":{"intValue":"1"}},{"key":"a","value":{"intValue":"2"}}]}`, sent{Name: "log", Properties: `a=1 attribute.a=2`}},
		"one that is there too often": {`{"attributes":[{"key":"a"},{"key":"a"},{"key":"a"}]}`, sent{Name: "log", Refused: "duplicate_key", Where: "a"}},
		"a user by the older name":    {`{"attributes":[{"key":"enduser.id","value":{"stringValue":"u1"}},{"key":"enduser.pseudo.id","value":{"stringValue":"a1"}}]}`, sent{Name: "log", User: "u1", Anonymous: "a1"}},
		"a user by both names":        {`{"attributes":[{"key":"enduser.id","value":{"stringValue":"old"}},{"key":"user.id","value":{"stringValue":"u1"}}]}`, sent{Name: "log", User: "u1", Properties: `enduser.id="old"`}},
		"a user by both, otherwise":   {`{"attributes":[{"key":"user.id","value":{"stringValue":"u1"}},{"key":"enduser.id","value":{"stringValue":"old"}}]}`, sent{Name: "log", User: "u1", Properties: `enduser.id="old"`}},
		"a user that is a number":     {`{"attributes":[{"key":"user.id","value":{"intValue":"42"}}]}`, sent{Name: "log", User: "42"}},
		"a user that is no id":        {`{"attributes":[{"key":"user.id","value":{"arrayValue":{}}}]}`, sent{Name: "log", Properties: `user.id=[]`}},

		"a text with NUL":         {`{"body":{"stringValue":"a\u0000b"}}`, sent{Name: "log", Refused: "nul_in_text", Where: "body"}},
		"half a surrogate pair":   {`{"attributes":[{"key":"a","value":{"stringValue":"\ud800"}}]}`, sent{Name: "log", Refused: "lone_surrogate", Where: "a"}},
		"text that is no UTF-8":   {"{\"severityText\":\"\xff\"}", sent{Name: "log", Refused: "invalid_utf8", Where: "severity_text"}},
		"too long a name":         {`{"eventName":"` + strings.Repeat("x", 257) + `"}`, sent{Refused: "too_long", Where: "event_name"}},
		"too long a key":          {`{"attributes":[{"key":"` + strings.Repeat("x", 257) + `"}]}`, sent{Name: "log", Refused: "name_too_long", Where: strings.Repeat("x", 64)}},
		"a time in the year 2300": {`{"timeUnixNano":"10413792000000000000"}`, sent{Name: "log", Refused: "time_out_of_range", Where: "times are kept from 1900 through 2199"}},
		"too large":               {`{"body":{"stringValue":"` + strings.Repeat("x", events.MaxEvent) + `"}}`, sent{Name: "log", Refused: "too_large", Where: fmt.Sprintf("the event has %d bytes with all that is said of it, and %d are allowed", events.MaxEvent+12, events.MaxEvent)}},
		"too deep":                {`{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 65) + strings.Repeat(`]}}`, 65) + `}`, sent{Name: "log", Refused: "too_deep", Where: "body"}},
		"too many attributes":     {`{"attributes":[` + attributes(1001) + `]}`, sent{Name: "log", Refused: "too_many_properties", Where: "a1000"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := decode(t, Logs, logs(`{"eventName":"before"}`, c.record, `{"eventName":"after"}`))
			if len(got) != 3 || got[0].Name != "before" || got[2].Name != "after" || got[0].Refused+got[2].Refused != "" {
				t.Fatalf("its neighbours are not untouched: %+v", got)
			}
			got[1].ID = ""
			if diff := cmp.Diff(c.want, got[1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func attributes(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"key":"a%d"}`, i))
	}
	return strings.Join(all, ",")
}

func TestWhatResourcesAndScopesSayIsOfEachOfTheirEvents(t *testing.T) {
	got := decode(t, Logs, `{"resourceLogs":[
		{"scopeLogs":[
			{"logRecords":[{"eventName":"a"}],"scope":{"name":"lib","version":"1","attributes":[{"key":"k","value":{"intValue":"1"}},{"key":"name","value":{"intValue":"2"}}],"droppedAttributesCount":3},"schemaUrl":"s1"},
			{"logRecords":[{"eventName":"b","attributes":[{"key":"user.id","value":{"stringValue":"mine"}}]}]}],
		 "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"user.id","value":{"stringValue":"theirs"}}],"entityRefs":[{"type":"service","idKeys":["service.name","x"]}]},"schemaUrl":"s0"},
		{"scopeLogs":[{"logRecords":[{"eventName":"c"}]}]}]}`)
	const of = `resource.entity_refs=[{"type":"service","idKeys":["service.name","x"]}]`
	want := []sent{
		{Name: "a", User: "theirs", Properties: `resource.schema_url="s0" ` + of + ` scope.name="lib" scope.version="1" scope.dropped_attributes_count=3 scope.schema_url="s1" resource.service.name="shop" scope.k=1 attribute.scope.name=2`},
		{Name: "b", User: "mine", Properties: `resource.schema_url="s0" ` + of + ` resource.service.name="shop" resource.user.id="theirs"`},
		{Name: "c"},
	}
	for i := range got {
		got[i].ID = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFlawOfAResourceIsOfItsEventsAlone(t *testing.T) {
	got := decode(t, Logs, `{"resourceLogs":[{"resource":{"attributes":[{"key":"r","value":{"stringValue":"\u0000"}}]},"scopeLogs":[{"logRecords":[{},{}]}]},{"scopeLogs":[{"logRecords":[{}]}]}]}`)
	if len(got) != 3 || got[0].Refused != "nul_in_text" || got[1].Where != "resource.r" || got[2].Refused != "" {
		t.Errorf("%+v", got)
	}
}

func TestASpanIsAnEvent(t *testing.T) {
	got := decode(t, Traces, `{"resourceSpans":[{"scopeSpans":[{"spans":[
		{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","traceState":"a=b","flags":257,"name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660012345678",
		 "attributes":[{"key":"http.route","value":{"stringValue":"/"}},{"key":"name","value":{"stringValue":"mine"}}],
		 "events":[{"timeUnixNano":"1544712660000000001","name":"e","attributes":[{"key":"k","value":{"doubleValue":1}},{"key":"l"}]},{}],
		 "links":[{"traceId":"5B8EFFF798038103D269B633813FC60D","spanId":"eee19b7ec3c1b175","flags":1}],"status":{"code":2,"message":"no"},"droppedEventsCount":1},
		{"name":"no ids","kind":9,"startTimeUnixNano":"2","endTimeUnixNano":"1"}]}]}]}`)
	want := []sent{
		{ID: "5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174", Name: "span", Time: "2018-12-13T14:51:00Z",
			Properties: `trace_id="5b8efff798038103d269b633813fc60c" span_id="eee19b7ec3c1b174" parent_span_id="eee19b7ec3c1b173" trace_state="a=b" flags=257 name="GET /" kind="server" ` +
				`start_time_unix_nano=1544712660000000000 end_time_unix_nano=1544712660012345678 status_code="error" status_message="no" dropped_events_count=1 duration_ms=12.345678 ` +
				`events=[{"timeUnixNano":1544712660000000001,"name":"e","attributes":{"k":1.0,"l":null}},{}] links=[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175","flags":1}] ` +
				`http.route="/" attribute.name="mine"`},
		{ID: "-1", Name: "span", Time: "1970-01-01T00:00:00Z", Properties: `name="no ids" kind="9" start_time_unix_nano=2 end_time_unix_nano=1 duration_ms=-1e-06`},
	}
	got[1].ID = placeOf(got[1].ID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPointIsAnEvent(t *testing.T) {
	metric := func(m string) string {
		return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[` + m + `]}]}]}`
	}
	const at = `"timeUnixNano":"1544712660000000000"`
	const atIs = `time_unix_nano=1544712660000000000`
	for name, c := range map[string]struct{ metric, want string }{
		"a gauge": {`{"gauge":{"dataPoints":[{` + at + `,"asDouble":0.5,"attributes":[{"key":"cpu","value":{"stringValue":"0"}}]}]},"name":"load","unit":"1","description":"of a minute","metadata":[{"key":"m","value":{"intValue":"1"}}]}`,
			`description="of a minute" name="load" type="gauge" unit="1" ` + atIs + ` value=0.5 metadata.m=1 cpu="0"`},
		"a sum": {`{"name":"n","sum":{"dataPoints":[{"startTimeUnixNano":"1544712600000000000",` + at + `,"asInt":"9223372036854775807","exemplars":[{"asInt":"7","timeUnixNano":"1","spanId":"eee19b7ec3c1b174","filteredAttributes":[{"key":"k","value":{"boolValue":true}}]}]}],"aggregationTemporality":1,"isMonotonic":true}}`,
			`monotonic=true name="n" temporality="delta" type="sum" start_time_unix_nano=1544712600000000000 ` + atIs + ` value=9223372036854775807 exemplars=[{"asInt":7,"timeUnixNano":1,"spanId":"eee19b7ec3c1b174","attributes":{"k":true}}]`},
		"a point that says no more": {`{"name":"n","gauge":{"dataPoints":[{` + at + `,"flags":1}]}}`, `name="n" type="gauge" ` + atIs + ` flags=1 stale=true`},
		"a value that is no number": {`{"name":"n","gauge":{"dataPoints":[{` + at + `,"asDouble":"-Infinity"}]}}`, `name="n" type="gauge" ` + atIs + ` value_text="-Infinity"`},
		"a histogram": {`{"name":"n","histogram":{"aggregationTemporality":2,"dataPoints":[{` + at + `,"count":"3","sum":4.5,"bucketCounts":["1","2"],"explicitBounds":[1],"min":1,"max":2}]}}`,
			`name="n" temporality="cumulative" type="histogram" ` + atIs + ` count=3 sum=4.5 min=1.0 max=2.0 explicit_bounds=[1.0] bucket_counts=[1,2]`},
		"an exponential histogram": {`{"name":"n","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{` + at + `,"count":18446744073709551615,"sum":4.5,"scale":-1,"zeroCount":"1","zeroThreshold":0.25,"positive":{"offset":-2,"bucketCounts":["1","2"]},"negative":{"bucketCounts":[3]}}]}}`,
			`name="n" temporality="cumulative" type="exponential_histogram" ` + atIs + ` count=18446744073709551615 sum=4.5 scale=-1 zero_count=1 zero_threshold=0.25 positive_offset=-2 positive=[1,2] negative=[3]`},
		"a summary": {`{"name":"n","summary":{"dataPoints":[{` + at + `,"count":"3","sum":4.5,"quantileValues":[{"quantile":0.5,"value":1},{"quantile":1,"value":"NaN"}]}]}}`,
			`name="n" type="summary" ` + atIs + ` count=3 sum=4.5 quantiles=[{"quantile":0.5,"value":1.0},{"quantile":1.0,"value":"NaN"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got := decode(t, Metrics, metric(c.metric))
			if len(got) != 1 || len(got[0].ID) != digest {
				t.Fatalf("%+v", got)
			}
			got[0].ID = ""
			if diff := cmp.Diff([]sent{{Name: "metric", Time: "2018-12-13T14:51:00Z", Properties: c.want}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARetryHasTheSameIDsAndNothingElseHas(t *testing.T) {
	point := func(resource, name, attribute, at, value string) string {
		return `{"resourceMetrics":[{"resource":{"attributes":[{"key":"r","value":{"stringValue":"` + resource + `"}}]},"scopeMetrics":[{"metrics":[{"name":"` + name + `","gauge":{"dataPoints":[{"timeUnixNano":"` + at + `","asInt":"` + value + `","attributes":[{"key":"a","value":{"intValue":"` + attribute + `"}}]}]}}]}]}]}`
	}
	id := func(signal Signal, body string) string { return decode(t, signal, body)[0].ID }
	first := id(Metrics, point("x", "n", "1", "5", "7"))
	if got := id(Metrics, point("x", "n", "1", "5", "8")); got != first {
		t.Error("a point of the same series at the same time is another")
	}
	for _, other := range []string{point("y", "n", "1", "5", "7"), point("x", "m", "1", "5", "7"), point("x", "n", "2", "5", "7"), point("x", "n", "1", "6", "7")} {
		if id(Metrics, other) == first {
			t.Errorf("it is the same point: %s", other)
		}
	}
	two := logs(`{}`, `{}`)
	a, b := decode(t, Logs, two), decode(t, Logs, two)
	if diff := cmp.Diff(a, b); diff != "" || a[0].ID == a[1].ID {
		t.Errorf("%s %v", diff, a)
	}
	if id(Logs, logs(`{}`)) == a[0].ID {
		t.Error("another request has the same ids")
	}
}

func TestWhatIsRefusedIsKeptAsAnEventOfOurs(t *testing.T) {
	got, err := new(Decoder).Decode(Logs, true, []byte(logs(`{"timeUnixNano":"1795323542303000000","eventName":"e","body":{"stringValue":"a\u0000"},"attributes":[{"key":"mail","value":{"stringValue":"m@example.com"}},{"key":"user.id","value":{"stringValue":"u1"}}]}`)), arrived)
	if err != nil || len(got) != 1 {
		t.Fatal(err, got)
	}
	const want = `{"event_id":"","event":"e","user_id":"u1","time":"2026-11-22T04:59:02.303Z","properties":{"time_unix_nano":1795323542303000000,"body":"a\u0000","mail":"m@example.com"}}`
	if diff := cmp.Diff(want, string(got[0].Raw)); diff != "" {
		t.Error(diff)
	}
}

func TestBodiesThatAreNoRequest(t *testing.T) {
	for name, c := range map[string]struct {
		json       bool
		body, code string
		kind       fault.Kind
	}{
		"nothing, as JSON":        {true, ``, "bad_json", fault.Invalid},
		"an array":                {true, `[]`, "bad_json", fault.Invalid},
		"an object that is cut":   {true, `{"resourceLogs":[{"scopeLogs":[`, "bad_json", fault.Invalid},
		"more than an object":     {true, `{} {}`, "bad_json", fault.Invalid},
		"no array":                {true, `{"resourceLogs":{}}`, "bad_json", fault.Invalid},
		"a number that is none":   {true, logs(`{"timeUnixNano":"now"}`), "bad_json", fault.Invalid},
		"a text that is a number": {true, logs(`{"severityText":1}`), "bad_json", fault.Invalid},
		"what only Go can read":   {true, logs(`{"body":{"doubleValue":"0x1p-2"}}`), "bad_json", fault.Invalid},
		"JSON, as protobuf":       {false, `{}`, "bad_protobuf", fault.Invalid},
		"protobuf that is cut":    {false, "\x0a\x05\x12", "bad_protobuf", fault.Invalid},
		"a field of another type": {false, "\x08\x05", "bad_protobuf", fault.Invalid},
		"too many events":         {true, logs(strings.Repeat("{},", 250_000) + "{}"), "too_many_events", fault.TooLarge},
		"a resource that swells":  {true, `{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"` + strings.Repeat("x", 30_000) + `"}}]},"scopeLogs":[{"logRecords":[` + strings.Repeat("{},", 3000) + `{}]}]}]}`, "body_too_large", fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := new(Decoder).Decode(Logs, c.json, []byte(c.body), arrived)
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.code || len(got) != 0 {
				t.Errorf("%d events, %v; want %s", len(got), err, c.code)
			}
		})
	}
	for _, body := range []string{`{}`, ` {"resourceLogs":[]} `} {
		if got := decode(t, Logs, body); len(got) != 0 {
			t.Errorf("%s has %d events", body, len(got))
		}
	}
}
