package snowplow

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is what a test says of an event.
type sent = eventtest.Sent

// body encloses events as a tracker does.
func body(all ...string) []byte {
	return []byte(`{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[` + strings.Join(all, ",") + `]}`)
}

func decode(t *testing.T, all ...string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode(body(all...), arrived)
	if err != nil {
		t.Fatal(err)
	}
	return eventtest.ShowAll(got)
}

// enclosed is self-describing JSON of some data.
func enclosed(data string) string {
	return `{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":` + data + `}`
}

func in64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

const ordered = `{"schema":"iglu:com.acme/ordered/jsonschema/1-0-0","data":{"n":7,"city":"Zürich?>","page_url":"own"}}`

func TestAnEventOfEachKind(t *testing.T) {
	const orderedIs = `app_id=shop event_schema=iglu:com.acme/ordered/jsonschema/1-0-0 n=7 city=Zürich?> data_page_url=own`
	cases := map[string]struct {
		event string
		want  sent
	}{
		"a page view, as node-tracker sends it": {
			`{"e":"pv","url":"https://a.example/","page":"Home","eid":"1","p":"srv","tv":"node-4.8.0","tna":"t","aid":"shop","uid":"u1","duid":"d1","sid":"s1","vid":"3","dtm":"1795320000000","stm":"1795323600000","res":"1x2"}`,
			sent{ID: "1", Name: "page_view", User: "u1", Anonymous: "d1", Session: "s1", Time: "2026-11-22T04:00:00Z",
				Properties: "page_url=https://a.example/ page_title=Home platform=srv v_tracker=node-4.8.0 name_tracker=t app_id=shop domain_sessionidx=3 res=1x2"}},
		"a page ping":                {`{"e":"pp","eid":"1","pp_mix":"1","pp_may":"x"}`, sent{ID: "1", Name: "page_ping", Properties: "pp_xoffset_min=1 pp_yoffset_max=x"}},
		"a structured event":         {`{"e":"se","eid":"1","se_ca":"c","se_ac":"a","se_va":"1.5"}`, sent{ID: "1", Name: "struct", Properties: "se_category=c se_action=a se_value=1.5"}},
		"a transaction":              {`{"e":"tr","eid":"1","tr_id":"o","tr_tt":"12"}`, sent{ID: "1", Name: "transaction", Properties: "tr_orderid=o tr_total=12"}},
		"of a kind that is unknown":  {`{"e":"zz","eid":"1"}`, sent{ID: "1", Name: "zz"}},
		"without an eid":             {`{"e":"pv"}`, sent{ID: "made", Name: "page_view"}},
		"self-describing, in base64": {`{"e":"ue","eid":"1","aid":"shop","ue_px":"` + in64(enclosed(ordered)) + `"}`, sent{ID: "1", Name: "ordered", Properties: orderedIs}},
		"self-describing, in base64 that is not for URLs": {`{"e":"ue","eid":"1","aid":"shop","ue_px":"` + base64.StdEncoding.EncodeToString([]byte(enclosed(ordered))) + `"}`, sent{ID: "1", Name: "ordered", Properties: orderedIs}},
		"self-describing, as it is":                       {`{"e":"ue","eid":"1","aid":"shop","ue_pr":` + quoted(enclosed(ordered)) + `}`, sent{ID: "1", Name: "ordered", Properties: orderedIs}},
		"data that is no object":                          {`{"e":"ue","eid":"1","ue_pr":` + quoted(enclosed(`{"schema":"iglu:a/b/jsonschema/1-0-0","data":[1]}`)) + `}`, sent{ID: "1", Name: "b", Properties: "event_schema=iglu:a/b/jsonschema/1-0-0 data=[1]"}},
		"with contexts":                                   {`{"e":"pv","eid":"1","cx":"` + in64(`{"schema":"iglu:c","data":[{"schema":"iglu:x","data":{"a":1}}]}`) + `"}`, sent{ID: "1", Name: "page_view", Properties: `contexts=[{"schema":"iglu:x","data":{"a":1}}]`}},
		"two parameters of one column":                    {`{"e":"pv","eid":"1","nuid":"a","tnuid":"b"}`, sent{ID: "1", Name: "page_view", Properties: "network_userid=a tnuid=b"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]sent{c.want}, decode(t, c.event)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheEventTimeIsTheTrueOneOrTheDevicesPutRight(t *testing.T) {
	cases := map[string]struct{ members, want, properties string }{
		"a true time":                  {`"ttm":"1795316400000"`, "2026-11-22T03:00:00Z", ""},
		"a true time beside another":   {`"ttm":"1795316400000","dtm":"1795320000000","stm":"1"`, "2026-11-22T03:00:00Z", "dvce_created_tstamp=1795320000000"},
		"a device's":                   {`"dtm":"1795320000000"`, "2026-11-22T04:00:00Z", ""},
		"a clock that is an hour slow": {`"dtm":"1795320000000","stm":"1795320000000"`, "2026-11-22T05:00:00Z", "dvce_created_tstamp=1795320000000"},
		"a sent time that is none":     {`"dtm":"1795320000000","stm":"now"`, "2026-11-22T04:00:00Z", ""},
		"none":                         {`"stm":"1795320000000"`, "", ""},
	}
	for name, c := range cases {
		if diff := cmp.Diff([]sent{{ID: "1", Name: "page_view", Time: c.want, Properties: c.properties}}, decode(t, `{"e":"pv","eid":"1",`+c.members+`}`)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// minimal is an event with a text to fill.
const minimal = `{"e":"pv","page":""}`

// fates says of an event what becomes of it; no code means accepted.
var fates = map[string]eventtest.Fate{
	"no type":                       {`{"eid":"2"}`, "no_event_name"},
	"no object":                     {`7`, "not_an_object"},
	"too long an eid":               {`{"e":"pv","eid":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"too long a user":               {`{"e":"pv","uid":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"a user that is a map":          {`{"e":"pv","uid":{}}`, "wrong_type"},
	"a user that is a number":       {`{"e":"pv","uid":7}`, ""},
	"a time that is none":           {`{"e":"pv","dtm":"yesterday"}`, "bad_time"},
	"a time in the year 9999":       {`{"e":"pv","ttm":"253370764800000"}`, "time_out_of_range"},
	"the same parameter twice":      {`{"e":"pv","e":"pp"}`, "duplicate_key"},
	"the same property twice":       {`{"e":"pv","aid":"a","aid":"b","app_id":"c"}`, "duplicate_key"},
	"self-describing and empty":     {`{"e":"ue"}`, "no_event_name"},
	"no base64":                     {`{"e":"ue","ue_px":"%"}`, "bad_encoding"},
	"base64 of no JSON":             {`{"e":"ue","ue_px":"` + in64("{") + `"}`, "bad_json"},
	"JSON with more behind it":      {`{"e":"ue","ue_pr":` + quoted(enclosed(ordered)+"7") + `}`, "bad_json"},
	"no schema":                     {`{"e":"ue","ue_pr":` + quoted(enclosed(`{"data":{}}`)) + `}`, "no_schema"},
	"a schema without a name":       {`{"e":"ue","ue_pr":` + quoted(enclosed(`{"schema":"iglu:x"}`)) + `}`, "no_event_name"},
	"too long a schema's name":      {`{"e":"ue","ue_pr":` + quoted(enclosed(`{"schema":"iglu:x/`+strings.Repeat("x", 257)+`/j/1"}`)) + `}`, "too_long"},
	"contexts that are no JSON":     {`{"e":"pv","co":"x"}`, "bad_json"},
	"contexts without data":         {`{"e":"pv","co":"{}"}`, "bad_json"},
	"NUL in what is nested":         {`{"e":"ue","ue_pr":` + quoted(enclosed(`{"schema":"iglu:a/b/j/1","data":{"a":"\u0000"}}`)) + `}`, "bad_json"},
	"invalid UTF-8":                 {"{\"e\":\"pv\",\"page\":\"\xff\"}", "invalid_utf8"},
	"no JSON within":                {`{"e":"pv","a":NaN}`, "bad_json"},
	"more properties than may be":   {`{"e":"pv",` + eventtest.Members(events.MaxProperties+1) + `}`, "too_many_properties"},
	"as large as is allowed":        {eventtest.Sized(minimal, events.MaxEvent), ""},
	"larger than is allowed":        {eventtest.Sized(minimal, events.MaxEvent+1), "too_large"},
	"a name of a parameter in data": {`{"e":"ue","ue_pr":` + quoted(enclosed(`{"schema":"iglu:a/b/j/1","data":{"page_url":1,"data_page_url":2}}`)) + `}`, ""},
}

func TestABadEventCostsItsNeighboursNothing(t *testing.T) {
	var d Decoder
	eventtest.CostsNeighboursNothing(t, fates, "1", "3", func(event string) ([]events.Event, error) {
		return d.Decode(body(`{"e":"pv","eid":"1"}`, event, `{"e":"pv","eid":"3"}`), arrived)
	})
}

func TestARefusedEventKeepsItsIDAndItsText(t *testing.T) {
	const text = `{"e":"se","eid":"7","dtm":"x"}`
	got, err := new(Decoder).Decode(body(text), arrived)
	if err != nil {
		t.Fatal(err)
	}
	if ev := got[0]; ev.ID != "7" || ev.MadeID || ev.Name != "struct" || string(ev.Raw) != text {
		t.Errorf("%+v", ev)
	}
}

func TestABodyThatCannotBeToldApartIsRefusedWhole(t *testing.T) {
	for text, code := range map[string]string{
		``: "bad_json", `[]`: "bad_json", `{`: "bad_json", `{"data":[]} x`: "bad_json", `{}`: "no_data", `{"data":{}}`: "no_data", `{"data":[{}`: "bad_json", `{"data":[{} {}]}`: "bad_json",
	} {
		_, err := new(Decoder).Decode([]byte(text), arrived)
		var problem *fault.Error
		if !errors.As(err, &problem) || problem.Kind != fault.Invalid || problem.Code != code {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := new(Decoder).Decode(body(strings.Repeat("0,", 250_000)+"0"), arrived)
	if fault.KindOf(err) != fault.TooLarge {
		t.Error(err)
	}
}

func TestAnEventInAQueryIsTheOneInABody(t *testing.T) {
	var one, other Decoder
	rapid.Check(t, func(t *rapid.T) {
		values, event := url.Values{}, map[string]string{}
		for name := range rapid.MapOfN(rapid.SampledFrom([]string{"e", "eid", "url", "se_va", "uid", "dtm", "cx", "ü"}), rapid.Just(0), 1, 8).Draw(t, "names") {
			event[name] = rapid.StringMatching(`[a-z0-9 &=+%ü"]{1,8}`).Draw(t, name)
			values.Set(name, event[name])
		}
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		values.Set("write_key", "KEY")
		got, err := one.DecodeQuery(values.Encode(), "write_key", arrived)
		if err != nil {
			t.Fatal(err)
		}
		want, err := other.Decode(body(string(text)), arrived)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(eventtest.ShowAll(want), eventtest.ShowAll(got), cmpopts.AcyclicTransformer("sorted", func(s sent) sent {
			s.Properties = inOrder(s.Properties)
			return s
		})); diff != "" {
			t.Errorf("(-body +query) %s", diff)
		}
	})
}

// inOrder sorts the letters of a text: two lists of properties in another order are alike.
func inOrder(text string) string {
	all := []rune(text)
	slices.Sort(all)
	return string(all)
}

func TestWhatAQueryMayHold(t *testing.T) {
	for query, want := range map[string]sent{
		"e=pv&eid=7&url=https%3A%2F%2Fa.example%2F%3Fb%3Dc&write_key=KEY": {ID: "7", Name: "page_view", Properties: "page_url=https://a.example/?b=c"},
		"e=pv&eid=7&page=100%&aid=a+b":                                    {ID: "7", Name: "page_view", Properties: "page_title=100% app_id=a b"},
		"e=pv&eid=7&page=%ff&aid=\xff":                                    {ID: "7", Name: "page_view", Properties: "page_title=%ff app_id=%FF"},
		"e=pv&eid=7&page=%00":                                             {ID: "7", Name: "page_view", Refused: "nul_in_text"},
		"e=pv&eid=7&e=pp":                                                 {ID: "7", Name: "page_view", Refused: "duplicate_key"},
		"eid=7":                                                           {ID: "7", Refused: "no_event_name"},
	} {
		got, err := new(Decoder).DecodeQuery(query, "write_key", arrived)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]sent{want}, eventtest.ShowAll(got)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for _, query := range []string{"", "&", "write_key=KEY"} {
		if _, err := new(Decoder).DecodeQuery(query, "write_key", arrived); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// TestAllThatAnEventSaysIsKept compares with a slow reference.
func TestAllThatAnEventSaysIsKept(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		data := eventtest.Object("n", "city", "page_url", "event_schema", "x", "").Draw(rt, "data")
		own := eventtest.Object("x", "page_url", "res").Draw(rt, "parameters")
		event := map[string]any{"e": "ue", "eid": "1", "ue_px": in64(enclosed(string(eventtest.JSON(t, map[string]any{"schema": "iglu:a/b/j/1", "data": data}))))}
		want := map[string]any{"event_schema": "iglu:a/b/j/1"}
		for name, v := range own {
			event[name], want[name] = v, v
		}
		for name, v := range data {
			if _, taken := own[name]; taken || name == "page_url" || name == "event_schema" {
				name = "data_" + name
			}
			want[name] = v
		}
		got, err := d.Decode(body(string(eventtest.JSON(t, event)), minimal), arrived)
		if err != nil || len(got) != 2 || got[0].Name != "b" || got[0].Refused.Code != "" {
			rt.Fatal(err, got)
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, got[0])); diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, event := range eventtest.Seeds(fates) {
		f.Add(body(event, minimal))
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := d.DecodeQuery(string(text), "write_key", arrived); err == nil {
			eventtest.Check(t, got[0])
		}
		got, err := d.Decode(text, arrived)
		var sent struct{ Data []json.RawMessage }
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
			return
		}
		if json.Unmarshal(text, &sent) == nil && strings.Count(string(text), `"data"`) == 1 && strings.Count(strings.ToLower(string(text)), `data"`) == 1 && len(sent.Data) != len(got) {
			t.Errorf("%d events of %d", len(got), len(sent.Data))
		}
		for _, ev := range got {
			eventtest.Check(t, ev)
		}
	})
}
