package remotewrite

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	writev2 "github.com/prometheus/client_golang/exp/api/remote/genproto/v2"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

var arrived = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC).UnixMicro()

const (
	noon   = 1795348800000 // milliseconds
	noonIs = "2026-11-22T12:00:00Z"
)

func body(t testing.TB, r *writev2.Request) []byte {
	t.Helper()
	data, err := proto.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t testing.TB, r *writev2.Request) ([]eventtest.Sent, Written) {
	t.Helper()
	got, err := new(Decoder).Decode(true, body(t, r), arrived)
	if err != nil {
		t.Fatal(err)
	}
	wrote := Count(got)
	for i := range got {
		if _, digest, _ := strings.Cut(got[i].ID, "-"); len(digest) != 32 {
			t.Errorf("bad id %q", got[i].ID)
		}
		got[i].ID = ""
	}
	return eventtest.ShowAll(got), wrote
}

// requestOf is a request of one series, whose labels are l="v" and the name.
func requestOf(s *writev2.TimeSeries) *writev2.Request {
	s.LabelsRefs = append([]uint32{1, 2, 3, 4}, s.LabelsRefs...)
	return &writev2.Request{Symbols: []string{"", "__name__", "up", "l", "v", "help", "seconds", "name", "\x00", "trace_id", "abc"}, Timeseries: []*writev2.TimeSeries{s}}
}

func TestEachSampleHistogramAndExemplarIsAnEvent(t *testing.T) {
	staleNaN := math.Float64frombits(stale)
	for name, c := range map[string]struct {
		series *writev2.TimeSeries
		want   []eventtest.Sent
		wrote  Written
	}{
		"samples, with metadata": {&writev2.TimeSeries{Metadata: &writev2.Metadata{Type: 1, HelpRef: 5, UnitRef: 6}, CreatedTimestamp: noon - 1000,
			Samples: []*writev2.Sample{{Value: 1.5, Timestamp: noon}, {Timestamp: noon + 1}}},
			[]eventtest.Sent{
				{Name: "metric", Time: noonIs, Properties: "value=1.5 start_time_unix_nano=1795348799000000000 name=up type=counter unit=seconds description=help l=v"},
				{Name: "metric", Time: "2026-11-22T12:00:00.001Z", Properties: "value=0 start_time_unix_nano=1795348799000000000 name=up type=counter unit=seconds description=help l=v"},
			}, Written{Samples: 2}},
		"what is no number": {&writev2.TimeSeries{Samples: []*writev2.Sample{{Value: math.NaN(), Timestamp: noon}, {Value: math.Inf(-1), Timestamp: noon + 1}, {Value: staleNaN, Timestamp: noon + 2}}},
			[]eventtest.Sent{
				{Name: "metric", Time: noonIs, Properties: "value_text=NaN name=up l=v"},
				{Name: "metric", Time: "2026-11-22T12:00:00.001Z", Properties: "value_text=-Infinity name=up l=v"},
				{Name: "metric", Time: "2026-11-22T12:00:00.002Z", Properties: "stale=1 name=up l=v"},
			}, Written{Samples: 3}},
		"a histogram of whole numbers": {&writev2.TimeSeries{Histograms: []*writev2.Histogram{{Timestamp: noon, Count: &writev2.Histogram_CountInt{CountInt: 5}, Sum: 2.5, Schema: -1, ZeroThreshold: 0.001,
			ZeroCount: &writev2.Histogram_ZeroCountInt{ZeroCountInt: 1}, PositiveSpans: []*writev2.BucketSpan{{Offset: -2, Length: 2}, {Offset: 1, Length: 1}}, PositiveDeltas: []int64{1, -1, 2}, ResetHint: 3}}},
			[]eventtest.Sent{{Name: "metric", Time: noonIs, Properties: "sum=2.5 schema=-1 zero_threshold=0.001 reset_hint=gauge count=5 zero_count=1 positive_spans=[[-2,2],[1,1]] positive_deltas=[1,-1,2] name=up type=histogram l=v"}},
			Written{Histograms: 1}},
		"a histogram of floats": {&writev2.TimeSeries{Histograms: []*writev2.Histogram{{Timestamp: noon, Count: &writev2.Histogram_CountFloat{CountFloat: 5.5}, Sum: staleNaN, ZeroCount: &writev2.Histogram_ZeroCountFloat{ZeroCountFloat: 0.5},
			NegativeSpans: []*writev2.BucketSpan{{Length: 1}}, NegativeCounts: []float64{1.5}, NegativeDeltas: []int64{3}, PositiveCounts: []float64{2, math.Inf(1)}, CustomValues: []float64{0.5}}}},
			[]eventtest.Sent{{Name: "metric", Time: noonIs, Properties: `stale=1 count=5.5 zero_count=0.5 negative_spans=[[0,1]] negative_deltas=[3] negative_counts=[1.5] positive_counts=[2.0,"Infinity"] custom_values=[0.5] name=up type=histogram l=v`}},
			Written{Histograms: 1}},
		"an exemplar": {&writev2.TimeSeries{Exemplars: []*writev2.Exemplar{{LabelsRefs: []uint32{9, 10}, Value: 7, Timestamp: noon}}},
			[]eventtest.Sent{{Name: "exemplar", Time: noonIs, Properties: "value=7 name=up l=v trace_id=abc"}}, Written{Exemplars: 1}},
		"a label with a field's name": {&writev2.TimeSeries{LabelsRefs: []uint32{7, 4}, Samples: []*writev2.Sample{{Value: 1, Timestamp: noon}}},
			[]eventtest.Sent{{Name: "metric", Time: noonIs, Properties: "value=1 name=up l=v attribute.name=v"}}, Written{Samples: 1}},
		"a label with NUL": {&writev2.TimeSeries{LabelsRefs: []uint32{9, 8}, Samples: []*writev2.Sample{{Value: 1, Timestamp: noon}}},
			[]eventtest.Sent{{Name: "metric", Refused: "nul_in_text"}}, Written{}},
		"times that are not kept": {&writev2.TimeSeries{Samples: []*writev2.Sample{{Value: 1, Timestamp: math.MaxInt64}, {Value: 1, Timestamp: noon}, {Value: 1, Timestamp: math.MinInt64}}},
			[]eventtest.Sent{{Name: "metric", Refused: "time_out_of_range"}, {Name: "metric", Time: noonIs, Properties: "value=1 name=up l=v"}, {Name: "metric", Refused: "time_out_of_range"}}, Written{Samples: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, wrote := decode(t, requestOf(c.series))
			if diff := cmp.Diff(c.want, got) + cmp.Diff(c.wrote, wrote); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// message writes a message of version 1: numbers and their values, which are text,
// messages, doubles or whole numbers.
func message(fields ...any) (m []byte) {
	for i := 0; i < len(fields); i += 2 {
		n := protowire.Number(fields[i].(int)) // #nosec G115 -- of a field
		switch v := fields[i+1].(type) {
		case string:
			m = protowire.AppendString(protowire.AppendTag(m, n, protowire.BytesType), v)
		case []byte:
			m = protowire.AppendBytes(protowire.AppendTag(m, n, protowire.BytesType), v)
		case float64:
			m = protowire.AppendFixed64(protowire.AppendTag(m, n, protowire.Fixed64Type), math.Float64bits(v))
		case int:
			m = protowire.AppendVarint(protowire.AppendTag(m, n, protowire.VarintType), uint64(v)) // #nosec G115 -- the same bits
		}
	}
	return m
}

func TestVersion1IsReadAsVersion2Is(t *testing.T) {
	label := func(name, value string) []byte { return message(1, name, 2, value) }
	series := message(2, message(1, 1.5, 2, noon), 1, label("__name__", "up"), 1, label("l", "v"),
		3, message(1, label("trace_id", "abc"), 2, 7.0, 3, noon), 4, message(1, 5, 3, 2.5, 15, noon))
	old := message(1, series, 3, message(1, 1, 2, "up", 4, "help", 5, "seconds"))
	var d Decoder
	got, err := d.Decode(false, old, arrived)
	if err != nil || Count(got) != (Written{1, 1, 1}) {
		t.Fatal(err, Count(got))
	}
	shown := eventtest.ShowAll(got)
	new, err := new(Decoder).Decode(true, body(t, requestOf(&writev2.TimeSeries{
		Samples:    []*writev2.Sample{{Value: 1.5, Timestamp: noon}},
		Exemplars:  []*writev2.Exemplar{{LabelsRefs: []uint32{9, 10}, Value: 7, Timestamp: noon}},
		Histograms: []*writev2.Histogram{{Timestamp: noon, Count: &writev2.Histogram_CountInt{CountInt: 5}, Sum: 2.5}},
	})), arrived)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]eventtest.Sent{}
	for _, s := range shown[:3] {
		byID[s.ID] = s
	}
	for _, s := range eventtest.ShowAll(new) {
		a, b := strings.Fields(byID[s.ID].Properties), strings.Fields(s.Properties)
		if len(a) != len(b) || byID[s.ID].Time != s.Time || byID[s.ID].Name != s.Name {
			t.Errorf("%+v is in version 1 %+v", s, byID[s.ID])
		}
	}
	again, err := d.Decode(false, message(3, message(5, "seconds", 4, "help", 2, "up", 1, 1)), arrived+1)
	if err != nil || again[0].ID != shown[3].ID || !again[0].MadeTime {
		t.Errorf("metadata that are said again are others: %v %+v %+v", err, again, shown[3])
	}
	if want := "name=up type=counter unit=seconds description=help"; shown[3].Name != "metadata" || shown[3].Properties != want {
		t.Errorf("%+v", shown[3])
	}
}

func TestARetryHasTheSameIDsAndNothingElseHas(t *testing.T) {
	id := func(s *writev2.TimeSeries) string {
		got, err := new(Decoder).Decode(true, body(t, requestOf(s)), arrived)
		if err != nil {
			t.Fatal(err)
		}
		return got[0].ID
	}
	samples := func(at int64, value float64, labels ...uint32) *writev2.TimeSeries {
		return &writev2.TimeSeries{LabelsRefs: labels, Samples: []*writev2.Sample{{Value: value, Timestamp: at}}}
	}
	first := id(samples(noon, 1))
	if id(samples(noon, 2)) != first {
		t.Error("a sample of the same series at the same time is another")
	}
	for _, other := range []*writev2.TimeSeries{samples(noon+1, 1), samples(noon, 1, 7, 4),
		{Histograms: []*writev2.Histogram{{Timestamp: noon}}}, {Exemplars: []*writev2.Exemplar{{Timestamp: noon, Value: 1}}}} {
		if id(other) == first {
			t.Errorf("it is the same sample: %v", other)
		}
	}
}

func TestWhatIsRefusedIsKeptAsAnEventOfOurs(t *testing.T) {
	got, err := new(Decoder).Decode(true, body(t, requestOf(&writev2.TimeSeries{LabelsRefs: []uint32{9, 8}, Samples: []*writev2.Sample{{Value: 1, Timestamp: noon}}})), arrived)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"event_id":"","event":"metric","time":"2026-11-22T12:00:00Z","properties":{"value":1.0,"name":"up","l":"v","trace_id":"\u0000"}}`
	if diff := cmp.Diff(want, string(got[0].Raw)); diff != "" {
		t.Error(diff)
	}
}

func TestBodiesThatAreNoRequest(t *testing.T) {
	some := []*writev2.Sample{{Value: 1, Timestamp: noon}}
	for name, c := range map[string]struct {
		body []byte
		code string
		kind fault.Kind
	}{
		"text":                                      {[]byte("up 1"), "bad_protobuf", fault.Invalid},
		"a symbol that is not there":                {body(t, requestOf(&writev2.TimeSeries{LabelsRefs: []uint32{1, 99}, Samples: some})), "bad_protobuf", fault.Invalid},
		"a name without a value":                    {body(t, requestOf(&writev2.TimeSeries{LabelsRefs: []uint32{1}, Samples: some})), "bad_protobuf", fault.Invalid},
		"a first symbol that is some":               {body(t, &writev2.Request{Symbols: []string{"x"}}), "bad_protobuf", fault.Invalid},
		"too many symbols":                          {body(t, &writev2.Request{Symbols: make([]string, maxSymbols+1)}), "too_many_symbols", fault.TooLarge},
		"too many samples":                          {body(t, requestOf(&writev2.TimeSeries{Samples: manySamples(250_001)})), "too_many_events", fault.TooLarge},
		"labels that swell though they are refused": {body(t, &writev2.Request{Symbols: []string{"", "l", strings.Repeat("x", events.MaxEvent)}, Timeseries: []*writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: manySamples(3000)}}}), "body_too_large", fault.TooLarge},
		"labels that swell":                         {body(t, &writev2.Request{Symbols: []string{"", "l", strings.Repeat("x", 30_000)}, Timeseries: []*writev2.TimeSeries{{LabelsRefs: []uint32{1, 2}, Samples: manySamples(3000)}}}), "body_too_large", fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := new(Decoder).Decode(true, c.body, arrived)
			var e *fault.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Code != c.code || len(got) != 0 {
				t.Errorf("%d events, %v; want %s", len(got), err, c.code)
			}
		})
	}
}

func manySamples(n int) (all []*writev2.Sample) {
	for i := range n {
		all = append(all, &writev2.Sample{Value: 1, Timestamp: noon + int64(i)})
	}
	return all
}

var kindOf = map[protoreflect.Kind]wire.Kind{
	protoreflect.MessageKind: wire.Message, protoreflect.StringKind: wire.Text, protoreflect.EnumKind: wire.Varint,
	protoreflect.Int64Kind: wire.Varint, protoreflect.Uint32Kind: wire.Varint, protoreflect.Uint64Kind: wire.Varint,
	protoreflect.Sint32Kind: wire.Zigzag, protoreflect.Sint64Kind: wire.Zigzag, protoreflect.DoubleKind: wire.Double,
}

func TestTheSchemasAreThoseOfTheProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		got wire.Schema
		of  proto.Message
	}{
		"request": {requestV2, &writev2.Request{}}, "series": {seriesV2, &writev2.TimeSeries{}}, "exemplar": {exemplarV2, &writev2.Exemplar{}},
		"metadata": {metadataV2, &writev2.Metadata{}}, "sample": {sample[:2], &writev2.Sample{}}, "histogram": {histogram[:16], &writev2.Histogram{}}, "span": {bucketSpan, &writev2.BucketSpan{}},
	} {
		var want wire.Schema
		fields := c.of.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			want = append(want, wire.Field{Number: f.Number(), Name: f.JSONName(), Kind: kindOf[f.Kind()], Repeated: f.IsList()})
		}
		if diff := cmp.Diff(want, c.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzEverySampleIsThere holds the events to what the protocol's own code reads.
func FuzzEverySampleIsThere(f *testing.F) {
	f.Add(body(f, requestOf(&writev2.TimeSeries{Metadata: &writev2.Metadata{Type: 1, HelpRef: 5}, Samples: manySamples(2),
		Exemplars:  []*writev2.Exemplar{{LabelsRefs: []uint32{9, 10}, Value: 7, Timestamp: noon}},
		Histograms: []*writev2.Histogram{{Timestamp: noon, Count: &writev2.Histogram_CountInt{CountInt: 5}, PositiveSpans: []*writev2.BucketSpan{{Length: 1}}, PositiveDeltas: []int64{1}}}})))
	f.Add(body(f, &writev2.Request{Symbols: []string{""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = new(Decoder).Decode(false, data, arrived)
		got, err := new(Decoder).Decode(true, data, arrived)
		for _, e := range got {
			eventtest.Check(t, e)
		}
		var want writev2.Request
		if proto.Unmarshal(data, &want) != nil || err != nil {
			return
		}
		wrote := Count(got)
		var refused, samples, histograms, exemplars int
		for _, e := range got {
			if e.Refused != (events.Refusal{}) {
				refused++
			}
		}
		for _, s := range want.Timeseries {
			for i, one := range s.Samples {
				e := got[samples+histograms+exemplars+i]
				if e.Refused == (events.Refusal{}) && len(s.Histograms)+len(s.Exemplars) == 0 {
					if p := eventtest.Properties(t, e); e.Time != one.Timestamp*1000 || !math.IsNaN(one.Value) && !math.IsInf(one.Value, 0) && p["value"] != one.Value {
						t.Errorf("%+v is %v", one, p)
					}
				}
			}
			samples, histograms, exemplars = samples+len(s.Samples), histograms+len(s.Histograms), exemplars+len(s.Exemplars)
		}
		if len(got) != samples+histograms+exemplars || wrote.Samples+wrote.Histograms+wrote.Exemplars+refused != len(got) {
			t.Errorf("%d events, %d refused and %+v of %d, %d, %d", len(got), refused, wrote, samples, histograms, exemplars)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	const n = 100
	r := &writev2.Request{Symbols: []string{"", "__name__", "http_requests_total", "instance", "10.0.0.1:9090", "job", "shop", "code", "200"}}
	for i := range n {
		r.Timeseries = append(r.Timeseries, &writev2.TimeSeries{LabelsRefs: []uint32{1, 2, 7, 8, 3, 4, 5, 6}, Metadata: &writev2.Metadata{Type: 1}, Samples: []*writev2.Sample{{Value: float64(i), Timestamp: noon + int64(i)}}})
	}
	data := body(b, r)
	var d Decoder
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(true, data, arrived)
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
