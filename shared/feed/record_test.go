package feed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
)

const (
	noon   = int64(1767355200_000000) // 2026-01-02T12:00:00Z
	before = noon - 3_600_000_000
)

// read reads records of a feed.
func read(f Feed, records ...Record) []events.Event {
	r := newReading(f, noon)
	for _, rec := range records {
		r.record(rec)
	}
	return r.events
}

// named writes events as "id name", and what is refused with the code.
func named(all []events.Event) (list []string) {
	for _, e := range all {
		text := e.ID + " " + e.Name
		if e.Refused.Code != "" {
			text += "!" + e.Refused.Code
		}
		list = append(list, text)
	}
	return list
}

func gzipped(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.Bytes()
}

func TestARecordHoldsEventsInEveryForm(t *testing.T) {
	packed, err := os.ReadFile("kpl/testdata/aws-kinesis-agg.bin")
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.Clone(packed)
	cut[len(cut)-1]++
	for name, c := range map[string]struct {
		feed Feed
		data []byte
		want []string
	}{
		"one event":                  {Feed{Kind: Kafka}, []byte(`{"event_id":"e1","event":"a"}`), []string{"e1 a"}},
		"one without an id":          {Feed{Kind: Kafka}, []byte(`{"event":"a"}`), []string{"orders/p/7/0 a"}},
		"an array":                   {Feed{Kind: MSK}, []byte(`[{"event":"a"},{"event_id":"e2","event":"b"},{"event":"c"}]`), []string{"orders/p/7/0 a", "e2 b", "orders/p/7/2 c"}},
		"one a line":                 {Feed{Kind: Kinesis}, []byte("{\"event\":\"a\"}\n{\"event\":\"b\"}\n"), []string{"orders/p/7/0 a", "orders/p/7/1 b"}},
		"an array of none":           {Feed{Kind: Kinesis}, []byte(`[]`), nil},
		"what is compressed":         {Feed{Kind: Kinesis}, gzipped(`[{"event":"a"},{"event":"b"}]`), []string{"orders/p/7/0 a", "orders/p/7/1 b"}},
		"one that is refused":        {Feed{Kind: Kinesis}, []byte(`[{"event":"a"},{"event_id":"e2"},{}]`), []string{"orders/p/7/0 a", "e2 !no_event_name", "orders/p/7/2 !no_event_name"}},
		"no event":                   {Feed{Kind: Kafka}, []byte(`<event/>`), []string{"orders/p/7/0 !bad_json"}},
		"an array that is cut":       {Feed{Kind: Kafka}, []byte(`[{"event":"a"},{"event`), []string{"orders/p/7/0 !bad_json"}},
		"nothing":                    {Feed{Kind: Kafka}, nil, []string{"orders/p/7/0 !empty_record"}},
		"what says it is compressed": {Feed{Kind: Kafka}, []byte("\x1f\x8bno"), []string{"orders/p/7/0 !bad_encoding"}},
		"what is packed": {Feed{Kind: Kinesis}, packed, []string{"k1 page_viewed", "orders/p/7.1/0 signed_up", "k3 page_viewed", "orders/p/7.2/1 page_left",
			"k5 a", "k6 b", "orders/p/7.4/0 !bad_json"}},
		"what is packed, in Kafka, which knows no such thing": {Feed{Kind: Kafka}, packed, []string{"orders/p/7/0 !bad_json"}},
		"what seems packed":    {Feed{Kind: Kinesis}, cut, []string{"orders/p/7/0 !bad_json"}},
		"a message of Segment": {Feed{Kind: Kafka, Format: Segment}, []byte(`{"type":"track","event":"a","userId":"u","messageId":"m1"}`), []string{"m1 a"}},
		"messages of Segment":  {Feed{Kind: Kafka, Format: Segment}, []byte(`{"batch":[{"type":"identify","userId":"u"},{"type":"nope"}]}`), []string{"orders/p/7/0 identify", "orders/p/7/1 !unknown_type"}},
		"a CloudEvent":         {Feed{Kind: Kafka, Format: CloudEvents}, []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"a"}`), []string{"/s 1 a"}},
		"CloudEvents":          {Feed{Kind: Kafka, Format: CloudEvents}, []byte(`[{"specversion":"1.0","id":"1","source":"/s","type":"a"},{"specversion":"1.0","source":"/s","type":"a"}]`), []string{"/s 1 a", "orders/p/7/1 a!no_id"}},
	} {
		c.feed.Name = "orders"
		got := named(read(c.feed, Record{Partition: "p", Place: "7", Time: before, Data: c.data}))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnEventWithoutATimeHappenedWhenItsRecordWasPut(t *testing.T) {
	for name, c := range map[string]struct{ put, want int64 }{
		"as the stream says":      {before, before},
		"now, if it does not":     {0, noon},
		"now, if nobody can mean": {latest, noon},
		"now, if it is before":    {earliest - 1, noon},
	} {
		for _, data := range []string{`{"event":"a"}`, `{"event_id":"e"}`, `nothing`} {
			got := read(Feed{Name: "f", Kind: Kafka}, Record{Partition: "0", Place: "1", Time: c.put, Data: []byte(data)})
			if len(got) != 1 || got[0].Time != c.want || !got[0].MadeTime {
				t.Errorf("%s: %s: %+v", name, data, got)
			}
		}
	}
}

func TestATopicThatIsMadeAnewHasOtherPlaces(t *testing.T) {
	old, anew := OfKafka(3, 0, 1767355200123, nil), OfKafka(3, 0, 1767355200124, nil)
	want := Record{Partition: "3", Place: "0-1767355200123", Time: noon + 123_000}
	if diff := cmp.Diff(want, old); diff != "" || old.Place == anew.Place {
		t.Errorf("%s and %s; %s", old.Place, anew.Place, diff)
	}
	if untimed := OfKafka(3, 7, -1, nil); untimed.Place != "7" || untimed.at(noon) != noon {
		t.Errorf("without a timestamp: %+v", untimed)
	}
	for _, timestamp := range []int64{latest, 1<<63 - 1, 0} { // microseconds, nonsense, and the Kafka of 1970
		if r := OfKafka(3, 7, timestamp, nil); r.at(noon) != noon {
			t.Errorf("%d is taken for the time %d", timestamp, r.at(noon))
		}
	}
}

func TestWhatIsRefusedSaysWhereItStands(t *testing.T) {
	for _, data := range []string{"<event/>", `{"event_id":"e2"}`, ""} {
		for _, e := range read(Feed{Name: "orders", Kind: Kafka}, Record{Partition: "3", Place: "17", Data: []byte(data)}) {
			if !strings.HasPrefix(e.Refused.Reason, "feed orders, partition 3, record 17: ") {
				t.Errorf("%q: %s", data, e.Refused.Reason)
			}
		}
	}
}

func TestAllBytesOfWhatCannotBeReadAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"x", "ä", "漢", "🎉", "\xff"}).Draw(t, "unit")
		data := []byte("<" + strings.Repeat(unit, rapid.IntRange(0, 80_000).Draw(t, "n")))
		var kept []byte
		ids := map[string]bool{}
		for _, e := range read(Feed{Name: "f", Kind: Kinesis}, Record{Partition: "s", Place: "1", Data: data}) {
			if len(e.Raw) > events.MaxEvent || e.Refused.Code == "" || ids[e.ID] || utf8.Valid(data) != utf8.Valid(e.Raw) {
				t.Fatalf("%d bytes, %+v", len(e.Raw), e.Refused)
			}
			ids[e.ID] = true
			kept = append(kept, e.Raw...)
		}
		if !bytes.Equal(data, kept) {
			t.Fatalf("%d bytes of %d", len(kept), len(data))
		}
	})
}

// TestAnEventIsTheSameInWhateverBatchItsRecordComes cuts the records anywhere, and reads
// some again.
func TestAnEventIsTheSameInWhateverBatchItsRecordComes(t *testing.T) {
	packed, err := os.ReadFile("kpl/testdata/aws-kinesis-agg.bin")
	if err != nil {
		t.Fatal(err)
	}
	texts := [][]byte{[]byte(`{"event":"a","properties":{"n":1,"s":"q\"q"}}`), []byte(`[{"event":"b"},{"event":"b","user_id":"u\u00e4"}]`), []byte("<a/>"), packed,
		gzipped("{\"event\":\"c\"}\n{\"event\":\"c\"}"), []byte(`{"event":"d","time":"2026-01-01T00:00:00Z","properties":{"deep":{"a": [1, 2]}}}`)}
	rapid.Check(t, func(t *rapid.T) {
		f := Feed{Name: "f", Kind: Kinesis}
		var records []Record
		for i := range rapid.IntRange(1, 20).Draw(t, "records") {
			records = append(records, Record{Partition: "s", Place: fmt.Sprint(i), Time: before + int64(i), Data: rapid.SampledFrom(texts).Draw(t, "data")})
		}
		want := map[string]events.Event{}
		for _, rec := range records {
			for _, e := range read(f, rec) {
				if _, twice := want[e.ID]; twice && e.MadeID {
					t.Fatalf("two events are %s", e.ID)
				}
				if _, known := want[e.ID]; !known {
					want[e.ID] = e
				}
			}
		}
		from := rapid.IntRange(0, len(records)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(records)).Draw(t, "to")
		for _, e := range read(f, records[from:to]...) {
			first := want[e.ID]
			if !e.MadeID { // copies of a record with ids of its own come at other times
				e.Refused, first.Refused = events.Refusal{}, events.Refusal{}
				e.Time, first.Time = 0, 0
			}
			if diff := cmp.Diff(first, e); diff != "" {
				t.Fatalf("%s: %s", e.ID, diff)
			}
		}
	})
}

// FuzzRecord: whatever a record holds, what comes of it can be stored or quarantined.
func FuzzRecord(f *testing.F) {
	packed, err := os.ReadFile("kpl/testdata/aws-kinesis-agg.bin")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(packed), `{"event":"a"}`, `[{"event":"a"},{}]`, "{}\n{}", `{"batch":[{"type":"track","event":"a"}]}`, string(gzipped("[]")), "\x28\xb5\x2f\xfd"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, data string, segment bool) {
		feed := Feed{Name: strings.Repeat("f", 32), Kind: Kinesis}
		if segment {
			feed.Format = Segment
		}
		env := events.Envelope{Tenant: "main", Dataset: "d", Events: read(feed, Record{Partition: strings.Repeat("s", 128), Place: strings.Repeat("9", 56), Time: before, Data: []byte(data)})}
		for _, e := range env.Events {
			if e.ID == "" || len(e.ID) > events.MaxID || len(e.Raw) > events.MaxEvent || (e.Name == "") && e.Refused.Code == "" {
				t.Fatalf("%+v", e)
			}
		}
		if len(env.Events) == 0 {
			return
		}
		var enc events.Encoder
		enc.Begin(nil, &env)
		for i := range env.Events {
			enc.Add(&env.Events[i])
		}
		if _, err := new(events.Decoder).Decode(enc.Finish()); err != nil {
			t.Fatal(err)
		}
	})
}
