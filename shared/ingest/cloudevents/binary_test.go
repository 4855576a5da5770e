package cloudevents

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
)

func TestAnEventInBinaryMode(t *testing.T) {
	cases := map[string]struct {
		header map[string]string
		body   string
		want   sent
	}{
		"JSON": {map[string]string{"Content-Type": "application/json; charset=utf-8", "ce-subject": "u1", "ce-time": "2026-11-22T04:00:00Z", "ce-traceparent": "00-1"}, `{"a":1,"source":"x"}`,
			sent{ID: "s 1", Name: "t", Time: "2026-11-22T04:00:00Z", Properties: "source=s datacontenttype=application/json; charset=utf-8 subject=u1 traceparent=00-1 a=1 data_source=x"}},
		"JSON that is no object":     {map[string]string{"Content-Type": "application/x+json"}, ` [1] `, sent{ID: "s 1", Name: "t", Properties: "source=s datacontenttype=application/x+json data=[1]"}},
		"text":                       {map[string]string{"Content-Type": "text/plain"}, `{"a":1}`, sent{ID: "s 1", Name: "t", Properties: `source=s datacontenttype=text/plain data={"a":1}`}},
		"text that is none":          {map[string]string{"Content-Type": "text/plain"}, "\xff", sent{ID: "s 1", Name: "t", Properties: `source=s datacontenttype=text/plain data_base64=/w==`}},
		"bytes":                      {map[string]string{"Content-Type": "application/octet-stream"}, "hi", sent{ID: "s 1", Name: "t", Properties: `source=s datacontenttype=application/octet-stream data_base64=aGk=`}},
		"no data":                    {nil, "", sent{ID: "s 1", Name: "t", Properties: "source=s"}},
		"data of no type":            {nil, "hi", sent{ID: "s 1", Name: "t", Properties: "source=s data=hi"}},
		"a header percent-encoded":   {map[string]string{"ce-subject": "Z%C3%bcrich 100%"}, "", sent{ID: "s 1", Name: "t", Properties: "source=s subject=Zürich 100%"}},
		"a header in quotes":         {map[string]string{"ce-subject": `"a \"b\" %22"`}, "", sent{ID: "s 1", Name: "t", Properties: `source=s subject=a "b" "`}},
		"a header in UTF-8":          {map[string]string{"ce-subject": "Zürich"}, "", sent{ID: "s 1", Name: "t", Properties: "source=s subject=Zürich"}},
		"a header in Latin-1":        {map[string]string{"ce-subject": "Z\xfcrich"}, "", sent{ID: "s 1", Name: "t", Refused: "invalid_utf8"}},
		"NUL in a header":            {map[string]string{"ce-subject": "%00"}, "", sent{ID: "s 1", Name: "t", Refused: "nul_in_text"}},
		"JSON that is none":          {map[string]string{"Content-Type": "application/json"}, "{", sent{ID: "s 1", Name: "t", Refused: "bad_json"}},
		"JSON and more":              {map[string]string{"Content-Type": "application/json"}, "{} x", sent{ID: "s 1", Name: "t", Refused: "bad_json"}},
		"no source":                  {map[string]string{"ce-source": ""}, "", sent{ID: "made", Name: "t", Refused: "no_source"}},
		"too large a body":           {map[string]string{"Content-Type": "text/plain"}, strings.Repeat("x", events.MaxEvent), sent{ID: "s 1", Name: "t", Refused: "too_large"}},
		"too large a header":         {map[string]string{"ce-x": strings.Repeat("x", events.MaxEvent)}, "", sent{ID: "s 1", Name: "t", Refused: "too_large"}},
		"a time that is none":        {map[string]string{"ce-time": "now"}, "", sent{ID: "s 1", Name: "t", Refused: "bad_time"}},
		"the type of the data twice": {map[string]string{"Content-Type": "text/plain", "ce-datacontenttype": "x"}, "", sent{ID: "s 1", Name: "t", Refused: "duplicate_key"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			header := map[string]string{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
			for k, v := range c.header {
				header[k] = v
			}
			if diff := cmp.Diff([]sent{c.want}, decode(t, header, c.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARefusedEventOfBinaryModeIsKeptAsOneOfStructuredMode(t *testing.T) {
	header := headers(map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "s", "Ce-Time": "now", "Ce-Subject": "u", "Content-Type": "application/json"})
	got, err := new(Decoder).Decode(header, []byte(`{"a":1}`), "", arrived)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data":{"a":1},"datacontenttype":"application/json","id":"1","source":"s","specversion":"1.0","subject":"u","time":"now"}`
	if string(got[0].Raw) != want {
		t.Errorf("%s", got[0].Raw)
	}
}

func TestAnEventIsTheSameInEachMode(t *testing.T) {
	text := rapid.StringMatching(`[a-zé% "\\]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		header := http.Header{"Content-Type": {"application/json"}}
		event := map[string]any{"datacontenttype": "application/json"}
		names := append([]string{"id", "source", "type"}, rapid.SliceOfDistinct(rapid.StringMatching(`x[a-z]{0,3}|subject`), rapid.ID).Draw(t, "extensions")...)
		for _, name := range names {
			value := text.Draw(t, name)
			event[name] = value
			header.Set("Ce-"+name, url.PathEscape(value))
		}
		event["specversion"] = "1.0"
		header.Set("Ce-Specversion", "1.0")
		data := rapid.SampledFrom([]string{`{"a":1}`, `[1,2]`, `"t"`, `{"subject":"x","b":{}}`, `7`}).Draw(t, "data")
		event["data"] = json.RawMessage(data)
		body, err := json.Marshal(event) // names in order, as those of headers
		if err != nil {
			t.Fatal(err)
		}
		var structured, binary Decoder
		one, err := structured.Decode(http.Header{"Content-Type": {Structured}}, body, "subject", arrived)
		if err != nil {
			t.Fatal(err)
		}
		two, err := binary.Decode(header, []byte(data), "subject", arrived)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, two); diff != "" || one[0].Refused.Code != "" {
			t.Errorf("-structured +binary: %s %v", diff, one[0].Refused)
		}
	})
}
