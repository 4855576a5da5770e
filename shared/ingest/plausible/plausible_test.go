package plausible

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

// sent is what a test says of an event.
type sent = eventtest.Sent

func decode(t *testing.T, body string) sent {
	t.Helper()
	got, err := new(Decoder).Decode(Request{Body: []byte(body), Arrived: arrived, UserAgent: "curl/8", Key: "KEY"})
	if err != nil || len(got) != 1 {
		t.Fatal(err, len(got))
	}
	return eventtest.Show(got[0])
}

func TestWhatAnEventBecomes(t *testing.T) {
	for body, want := range map[string]sent{
		`{"n":"x","u":"https://a/","d":"KEY","r":null,"w":1200,"h":0,"p":"{\"plan\":\"pro\"}"}`:            {Name: "x", Properties: "url=https://a/ referrer=null screen_width=1200 hash_mode=0 plan=pro user_agent=curl/8"},
		`{"name":"bought","domain":"a.example","props":{"n":1},"revenue":{"currency":"EUR","amount":1.5}}`: {Name: "bought", Properties: "domain=a.example revenue_currency=EUR revenue_amount=1.5 n=1 user_agent=curl/8"},
		`{"n":404,"hashMode":1,"i":false,"v":25}`:                                                          {Name: "404", Properties: "hash_mode=1 interactive=0 tracker_version=25 user_agent=curl/8"},
		`{"domain":"a.example"}`:   {Refused: "no_event_name"},
		`{"name":"x","props":"{"}`: {Name: "x", Refused: "bad_json"},
	} {
		want.ID = "made"
		if diff := cmp.Diff(want, decode(t, body)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

// TestAllThatAnEventSaysIsKept compares with a slow reference.
func TestAllThatAnEventSaysIsKept(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		own := eventtest.Object("n2", "city", "url", "").Draw(rt, "own")
		beside := eventtest.Object("url", "title", "city").Draw(rt, "beside")
		want, event := map[string]any{}, map[string]any{"name": "x", "props": own}
		for name, v := range beside {
			event[name], want[name] = v, v
		}
		for name, v := range own {
			if _, taken := beside[name]; taken {
				name = "props_" + name
			}
			want[name] = v
		}
		got, err := d.Decode(Request{Body: eventtest.JSON(t, event), Arrived: arrived})
		if err != nil || len(got) != 1 || got[0].Name != "x" || got[0].Refused.Code != "" {
			rt.Fatal(err, got)
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, got[0])); diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{"n":"x","d":"KEY"}`, `{}`, `[]`, `{"payload":{"data":7,"timestamp":"x"}}`, `{"n":"x","p":"{\"a\":1}","$":{"amount":1}}`} {
		f.Add([]byte(text))
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, text []byte) {
		Key(text)
		got, err := d.Decode(Request{Body: text, Arrived: arrived, UserAgent: "a"})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
			return
		}
		for _, ev := range got {
			eventtest.Check(t, ev)
		}
	})
}
