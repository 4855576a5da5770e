package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracespb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

// requestOf returns an empty request of a signal, as the protocol's own code has it.
func requestOf(signal Signal) proto.Message {
	return [...]func() proto.Message{
		Logs:    func() proto.Message { return &logspb.ExportLogsServiceRequest{} },
		Metrics: func() proto.Message { return &metricspb.ExportMetricsServiceRequest{} },
		Traces:  func() proto.Message { return &tracespb.ExportTraceServiceRequest{} },
	}[signal]()
}

// FuzzBothEncodingsAreOneRequest has the protocol's own code write what it reads of a
// body in both encodings: they must be the same events.
func FuzzBothEncodingsAreOneRequest(f *testing.F) {
	for signal, bodies := range seeds {
		for _, body := range bodies {
			m := requestOf(Signal(signal))
			if err := protojson.Unmarshal(hexIDs([]byte(body), fromHex), m); err != nil {
				f.Fatal(err, body)
			}
			data, err := proto.Marshal(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(signal), data)
			f.Add(uint8(signal), data[:len(data)-1])
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		signal := Signal(which % 3)
		got, err := new(Decoder).Decode(signal, false, body, arrived)
		for _, e := range got {
			eventtest.Check(t, e)
		}
		m := requestOf(signal)
		if wrong := proto.Unmarshal(body, m); wrong != nil {
			return // it may be texts that are no UTF-8, which refuse their events alone
		}
		if err != nil {
			if fault.KindOf(err) != fault.TooLarge && !strings.Contains(err.Error(), "of another type") { // which protobuf passes over
				t.Fatalf("refused: %v", err)
			}
			return
		}
		plain, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
		if err != nil {
			return // a message that was given with an unknown oneof, or nested too deeply
		}
		want, wrong := new(Decoder).Decode(signal, false, plain, arrived)
		again, err := new(Decoder).Decode(signal, true, hexIDs(text, toHex), arrived)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("as protobuf %v, as JSON %v", wrong, err)
		}
		if diff := cmp.Diff(unordered(want), unordered(again)); diff != "" {
			t.Errorf("%s in %s", diff, text)
		}
	})
}

// unordered returns events with their properties, and the members of these, in the order
// of their names, and without the digests of their requests.
func unordered(all []events.Event) []sent {
	out := seen(all)
	for i, e := range all {
		out[i].ID = placeOf(e.ID)
		if e.Shape == nil {
			continue
		}
		var parts []string
		for j, v := range e.Values {
			text := v.AppendJSON(nil)
			if v.Kind == events.JSON {
				text = sorted(text)
			}
			parts = append(parts, e.Shape.Names[j]+"="+string(text))
		}
		slices.Sort(parts)
		out[i].Properties = strings.Join(parts, " ")
	}
	return out
}

func sorted(text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return text
	}
	text, _ = json.Marshal(tree) // what was decoded
	return text
}

func fromHex(s string) string {
	raw, _ := hex.DecodeString(s)
	return base64.StdEncoding.EncodeToString(raw)
}

func toHex(s string) string {
	raw, _ := base64.StdEncoding.DecodeString(s)
	return hex.EncodeToString(raw)
}

var ids = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":\s*"([^"]*)"`)

// hexIDs rewrites the ids of a request: protobuf's own JSON has them in Base64.
func hexIDs(text []byte, to func(string) string) []byte {
	return ids.ReplaceAllFunc(text, func(found []byte) []byte {
		parts := ids.FindSubmatch(found)
		return fmt.Appendf(nil, `"%s":"%s"`, parts[1], to(string(parts[2])))
	})
}

// seeds are requests of each signal that have every field.
var seeds = [...][]string{
	Logs: {`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"droppedAttributesCount":1,"entityRefs":[{"schemaUrl":"s","type":"t","idKeys":["a"],"descriptionKeys":["b","c"]}]},"scopeLogs":[{"scope":{"name":"n","version":"v","attributes":[{"key":"k","value":{"boolValue":true}}]},"schemaUrl":"u",
		"logRecords":[{"timeUnixNano":"1795323542303000123","observedTimeUnixNano":"1795323542304000000","severityNumber":9,"severityText":"INFO","body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":0.5},{"bytesValue":"AQI="},{}]}}}]}},"attributes":[{"key":"user.id","value":{"stringValue":"u1"}},{"key":"x","value":{"doubleValue":"NaN"}}],"droppedAttributesCount":2,"flags":1,"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","eventName":"e"}]}],"schemaUrl":"u"}]}`},
	Metrics: {`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","unit":"s","description":"d","metadata":[{"key":"m"}],"sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1544712660000000000","asInt":"-5","attributes":[{"key":"k","value":{"intValue":"1"}}],"exemplars":[{"asDouble":1.5,"timeUnixNano":"9","filteredAttributes":[{"key":"f"}],"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}]}]}},
		{"name":"b","histogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"5","count":"3","sum":1,"bucketCounts":["1","2"],"explicitBounds":[0.5],"min":0,"max":1,"flags":1}]}},
		{"name":"c","exponentialHistogram":{"dataPoints":[{"count":"1","scale":3,"zeroCount":"1","positive":{"offset":-1,"bucketCounts":["1"]},"negative":{"offset":1,"bucketCounts":["0","300"]},"zeroThreshold":0.1}]}},
		{"name":"d","summary":{"dataPoints":[{"timeUnixNano":"5","count":"1","sum":"Infinity","quantileValues":[{"quantile":0.5,"value":2}]}]}},{"name":"e","gauge":{"dataPoints":[{"asDouble":1}]}}]}]}]}`},
	Traces: {`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","traceState":"a=b","flags":257,"name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712660012345678","attributes":[{"key":"http.route","value":{"stringValue":"/"}}],"events":[{"timeUnixNano":"1","name":"e","attributes":[{"key":"k","value":{"doubleValue":1}}],"droppedAttributesCount":1}],"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175","traceState":"x","flags":1}],"status":{"code":2,"message":"no"},"droppedEventsCount":1,"droppedLinksCount":2,"droppedAttributesCount":3}]}]}]}`},
}
