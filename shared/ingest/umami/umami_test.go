package umami

import (
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
		`{"type":"event","payload":{"website":"KEY","name":"bought","id":"u1","data":{"n":1},"timestamp":1795320000}}`: {Name: "bought", User: "u1", Time: "2026-11-22T04:00:00Z", Properties: "n=1 user_agent=curl/8"},
		`{"type":"event","payload":{"url":"/a","userAgent":"own"}}`:                                                    {Name: "pageview", Properties: "url=/a user_agent=own"},
		`{"type":"event","payload":{"website":"site","name":"x"}}`:                                                     {Name: "x", Refused: "other_website"},
		`{"type":"identify","payload":{"website":"KEY","data":{"plan":"pro"}}}`:                                        {Name: "identify", Properties: "plan=pro user_agent=curl/8"},
		`{"type":"event"}`: {Refused: "no_payload"},
		`{"payload":{"name":"x","timestamp":"soon"}}`: {Name: "x", Refused: "bad_time"},
		`{"payload":{"name":7}}`:                      {Name: "pageview", Refused: "wrong_type"},
	} {
		want.ID = "made"
		if diff := cmp.Diff(want, decode(t, body)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestAWebsiteThatIsNoKeyIsKept(t *testing.T) {
	got, err := new(Decoder).Decode(Request{Body: []byte(`{"payload":{"website":"site"}}`), Arrived: arrived})
	if err != nil || len(got) != 1 {
		t.Fatal(err, got)
	}
	if diff := cmp.Diff(sent{ID: "made", Name: "pageview", Properties: "website=site"}, eventtest.Show(got[0])); diff != "" {
		t.Error(diff)
	}
}

func TestABatchIsManyEventsOfWhichABadOneCostsItsNeighboursNothing(t *testing.T) {
	body := `[{"type":"event","payload":{"website":"KEY","name":"a"}},7,{"payload":{"website":"KEY","userAgent":"own"}}]`
	got, err := new(Decoder).DecodeBatch(Request{Body: []byte(body), Arrived: arrived, UserAgent: "curl/8", Key: Key([]byte(body))})
	if err != nil {
		t.Fatal(err)
	}
	want := []sent{
		{ID: "made", Name: "a", Properties: "user_agent=curl/8"},
		{ID: "made", Name: "pageview", Refused: "not_an_object"},
		{ID: "made", Name: "pageview", Properties: "user_agent=own"},
	}
	if diff := cmp.Diff(want, eventtest.ShowAll(got)); diff != "" {
		t.Error(diff)
	}
}

func TestABatchThatCannotBeToldApartOrSwellsIsRefusedWhole(t *testing.T) {
	long := strings.Repeat("x", 30_000)
	many := "[" + strings.Repeat(`{"payload":{}},`, scan.MaxSize/len(long)) + `{"payload":{}}]`
	for body, kind := range map[string]fault.Kind{`{"payload":{}}`: fault.Invalid, `[{}`: fault.Invalid, `[{}]x`: fault.Invalid, many: fault.TooLarge} {
		got, err := new(Decoder).DecodeBatch(Request{Body: []byte(body), Arrived: arrived, UserAgent: long})
		if fault.KindOf(err) != kind || got != nil {
			t.Errorf("%.20s: %d events, %v", body, len(got), err)
		}
	}
}

// TestAllThatAnEventSaysIsKept compares with a slow reference.
func TestAllThatAnEventSaysIsKept(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		own := eventtest.Object("n2", "city", "url", "").Draw(rt, "own")
		beside := eventtest.Object("url", "title", "city").Draw(rt, "beside")
		want, event := map[string]any{}, map[string]any{"name": "x", "data": own}
		for name, v := range beside {
			event[name], want[name] = v, v
		}
		for name, v := range own {
			if _, taken := beside[name]; taken {
				name = "data_" + name
			}
			want[name] = v
		}
		got, err := d.Decode(Request{Body: eventtest.JSON(t, map[string]any{"payload": event}), Arrived: arrived})
		if err != nil || len(got) != 1 || got[0].Name != "x" || got[0].Refused.Code != "" {
			rt.Fatal(err, got)
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, got[0])); diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, text := range []string{`{"type":"event","payload":{"website":"KEY","name":"x"}}`, `{}`, `[]`, `{"payload":{"data":7,"timestamp":"x"}}`, `{"n":"x","p":"{\"a\":1}","$":{"amount":1}}`,
		`[{"type":"event","payload":{"website":"KEY","name":"x"}}, {"payload":{"website":"OTHER"}}, 7]`} {
		f.Add([]byte(text))
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, text []byte) {
		Key(text)
		req := Request{Body: text, Key: "KEY", Arrived: arrived, UserAgent: "a"}
		for _, decode := range []func(Request) ([]events.Event, error){d.Decode, d.DecodeBatch} {
			got, err := decode(req)
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
			for _, ev := range got {
				eventtest.Check(t, ev)
			}
		}
	})
}
