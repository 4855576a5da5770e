package tinybird

import (
	"encoding/json"
	"errors"
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

// show is eventtest.Show, but that an id of the request's bytes is "digest" and its place.
func show(ev events.Event) sent {
	s := eventtest.Show(ev)
	if !ev.MadeID && len(ev.ID) > 32 {
		s.ID = "digest" + ev.ID[32:]
	}
	return s
}

func decode(t *testing.T, body string) []sent {
	t.Helper()
	got, err := new(Decoder).Decode("hits", []byte(body), arrived)
	if err != nil {
		t.Fatal(err)
	}
	var out []sent
	for _, ev := range got {
		out = append(out, show(ev))
	}
	return out
}

func TestARowIsAnEvent(t *testing.T) {
	cases := map[string]struct {
		row  string
		want sent
	}{
		"columns that Tarn knows": {`{"event_id":"e1","event":"bought","time":"2026-11-22T04:00:00.123Z","user_id":"u1","anonymous_id":"a1","session_id":7,"price":1.5,"tags":["a"]}`,
			sent{ID: "e1", Name: "bought", Time: "2026-11-22T04:00:00.123Z", User: "u1", Anonymous: "a1", Session: "7", Properties: `price=1.5 tags=["a"]`}},
		"as the SDK has times": {`{"timestamp":"2026-11-22 04:00:00.123","city":"Chicago"}`,
			sent{ID: "digest-0", Name: "hits", Time: "2026-11-22T04:00:00.123Z", Properties: "timestamp=2026-11-22 04:00:00.123 city=Chicago"}},
		"a time and a timestamp": {`{"time":"2026-11-22 04:00:00","timestamp":"whenever"}`,
			sent{ID: "digest-0", Name: "hits", Time: "2026-11-22T04:00:00Z", Properties: "timestamp=whenever"}},
		"a time with a zone": {`{"timestamp":"2026-11-22T04:00:00+01:00"}`, sent{ID: "digest-0", Name: "hits", Time: "2026-11-22T03:00:00Z", Properties: "timestamp=2026-11-22T04:00:00+01:00"}},
		"seconds since 1970": {`{"timestamp":1795320000}`, sent{ID: "digest-0", Name: "hits", Time: "2026-11-22T04:00:00Z", Properties: "timestamp=1795320000"}},
		"milliseconds":       {`{"timestamp":1795320000123}`, sent{ID: "digest-0", Name: "hits", Time: "2026-11-22T04:00:00.123Z", Properties: "timestamp=1795320000123"}},
		"no more than a day": {`{"timestamp":"2026-11-22"}`, sent{ID: "made", Name: "hits", Time: "2026-11-22T00:00:00Z", Properties: "timestamp=2026-11-22"}},
		"no time":            {`{"city":"Chicago"}`, sent{ID: "made", Name: "hits", Properties: "city=Chicago"}},
		"nulls are nothing":  {`{"event_id":null,"event":null,"time":null,"timestamp":null,"user_id":null}`, sent{ID: "made", Name: "hits", Properties: "timestamp=null"}},
		"nothing":            {`{}`, sent{ID: "made", Name: "hits"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{c.row, "[" + c.row + "]", "\n" + c.row + "\r\n\n", strings.ReplaceAll(c.row, ",", ",\n")} {
				if diff := cmp.Diff([]sent{c.want}, decode(t, body)); diff != "" {
					t.Errorf("%q: %s", body, diff)
				}
			}
		})
	}
}

func TestARowOfARequestThatTellsTheTimeIsTheSameAtEachTry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SampledFrom([]string{`{"timestamp":"2026-11-22 04:00:00","n":1}`, `{"n":1}`, `{"n":NaN}`, `{"event_id":"e","n":1}`})
		rows := rapid.SliceOfN(row, 1, 5).Draw(t, "rows")
		body := strings.Join(append(rows, `{"timestamp":"2026-11-22 04:00:00"}`), "\n")
		var one, two Decoder
		first, err := one.Decode("hits", []byte(body), arrived)
		if err != nil {
			t.Fatal(err)
		}
		second, err := two.Decode("hits", []byte(body), arrived+1e6)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i := range first {
			if first[i].ID != second[i].ID || first[i].MadeID {
				t.Errorf("row %d is %q, then %q", i, first[i].ID, second[i].ID)
			}
			if seen[first[i].ID] && first[i].ID != "e" {
				t.Errorf("%q names two rows", first[i].ID)
			}
			seen[first[i].ID] = true
		}
		other, err := one.Decode("hits", []byte(body+" "), arrived)
		if err != nil {
			t.Fatal(err)
		}
		if last := len(other) - 1; seen[other[last].ID] {
			t.Error("another request's row has the same id")
		}
	})
}

func TestARequestWithoutTimesIsAnotherOneEachTime(t *testing.T) {
	var d Decoder
	seen := map[string]bool{}
	for range 2 {
		got, err := d.Decode("hits", []byte("{\"n\":1}\n{\"n\":1}"), arrived)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range got {
			seen[ev.ID] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("four rows have %d ids", len(seen))
	}
}

// minimal is an event with a text to fill.
const minimal = `{"x":""}`

// fates says of a row among others what becomes of it; no code means accepted.
var fates = map[string]eventtest.Fate{
	"an event that is a map":   {`{"event":{}}`, "wrong_type"},
	"an id that is true":       {`{"event_id":true}`, "wrong_type"},
	"too long an id":           {`{"event_id":"` + strings.Repeat("x", 257) + `"}`, "too_long"},
	"a bad time":               {`{"time":"yesterday"}`, "bad_time"},
	"a bad timestamp":          {`{"timestamp":"22/11/2026"}`, "bad_time"},
	"a time that is true":      {`{"time":true}`, "wrong_type"},
	"a time in the year 9999":  {`{"time":"9999-01-01 00:00:00"}`, "time_out_of_range"},
	"a number beyond all time": {`{"time":9999999999999999}`, "time_out_of_range"},
	"the same column twice":    {`{"a":1,"a":2}`, "duplicate_key"},
	"the same time twice":      {`{"time":null,"time":null}`, "duplicate_key"},
	"invalid UTF-8":            {"{\"a\":\"\xff\"}", "invalid_utf8"},
	"NUL":                      {`{"a":"\u0000"}`, "nul_in_text"},
	"too large a number":       {`{"a":1e400}`, "number_out_of_range"},
	"a comma too many":         {`{"a":1,}`, "bad_json"},
	"no JSON within":           {`{"a":NaN}`, "bad_json"},
	"no object":                {`7`, "not_an_object"},
	"as large as is allowed":   {eventtest.Sized(minimal, events.MaxEvent), ""},
	"too large":                {eventtest.Sized(minimal, events.MaxEvent+1), "too_large"},
	"too many columns":         {`{` + eventtest.Members(1001) + `}`, "too_many_properties"},
	"as many as are allowed":   {`{` + eventtest.Members(1000) + `}`, ""},
}

func TestABadRowCostsItsNeighboursNothing(t *testing.T) {
	var d Decoder
	for name, around := range map[string][3]string{"lines": {"", "\n", ""}, "an array": {"[", ",", "]"}} {
		t.Run(name, func(t *testing.T) {
			eventtest.CostsNeighboursNothing(t, fates, "1", "3", func(row string) ([]events.Event, error) {
				return d.Decode("hits", []byte(around[0]+`{"event_id":"1"}`+around[1]+row+" "+around[1]+`{"event_id":"3"}`+around[2]), arrived)
			})
		})
	}
}

func TestARefusedRowKeepsItsIdentity(t *testing.T) {
	want := []sent{{ID: "e1", Name: "hits", Refused: "bad_json"}, {ID: "made", Name: "hits"}}
	if diff := cmp.Diff(want, decode(t, "{\"event_id\":\"e1\",\"a\":\n{}")); diff != "" {
		t.Error(diff)
	}
}

func TestBodiesWithoutRows(t *testing.T) {
	for name, c := range map[string]struct{ body, code string }{
		"nothing": {"", "empty_body"}, "lines of nothing": {"\n \n", "empty_body"}, "CSV": {"a,b\n1,2\n", "bad_json"}, "an object that is cut": {"{\"a\":\n1", "bad_json"},
		"a comma too many": {`[{"a":1},]`, "bad_json"}, "a comma missing": {`[{} {}]`, "bad_json"}, "text after the array": {`[{}] x`, "bad_json"}, "numbers": {"1\n2", "bad_json"},
	} {
		got, err := new(Decoder).Decode("hits", []byte(c.body), arrived)
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Invalid || e.Code != c.code || len(got) != 0 {
			t.Errorf("%s: %d events, %v; want %s", name, len(got), err, c.code)
		}
	}
	if got := decode(t, ` [ ] `); len(got) != 0 {
		t.Errorf("an empty array has %d rows", len(got))
	}
}

func FuzzDecode(f *testing.F) {
	for _, event := range eventtest.Seeds(fates) {
		f.Add([]byte("{}\n" + event + "\n"))
		f.Add([]byte(`[` + event + `]`))
	}
	f.Add([]byte("{\"timestamp\":\n\"2026-11-22 04:00:00\"}"))
	var d Decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := d.Decode("hits", body, arrived)
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
		if !refused && strings.HasPrefix(string(body), "[") && !array {
			t.Error("what is no JSON is accepted")
		}
	})
}
