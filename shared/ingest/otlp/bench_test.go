package otlp

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// batches are requests of a hundred events of each signal, as an SDK sends them.
func batches(n int) (all [3]string) {
	const resource = `"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"telemetry.sdk.language","value":{"stringValue":"nodejs"}},{"key":"process.pid","value":{"intValue":"4711"}}]}`
	var logs, points, spans []string
	for i := range n {
		logs = append(logs, fmt.Sprintf(`{"timeUnixNano":"17953235423030%05d","observedTimeUnixNano":"1795323542304000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"order placed"},"attributes":[{"key":"order.id","value":{"intValue":"%d"}},{"key":"user.id","value":{"stringValue":"u%d"}}]}`, i, i, i%7))
		points = append(points, fmt.Sprintf(`{"timeUnixNano":"1795323542303000000","asDouble":%d.5,"attributes":[{"key":"http.route","value":{"stringValue":"/r/%d"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}`, i, i))
		spans = append(spans, fmt.Sprintf(`{"traceId":"5b8efff798038103d269b633813f%04x","spanId":"eee19b7ec3c1%04x","name":"GET /","kind":2,"startTimeUnixNano":"1795323542303000000","endTimeUnixNano":"1795323542304000000","attributes":[{"key":"http.route","value":{"stringValue":"/"}},{"key":"http.response.status_code","value":{"intValue":"200"}}],"status":{}}`, i+1, i+1))
	}
	return [3]string{
		Logs:    `{"resourceLogs":[{` + resource + `,"scopeLogs":[{"scope":{"name":"lib"},"logRecords":[` + strings.Join(logs, ",") + `]}]}]}`,
		Metrics: `{"resourceMetrics":[{` + resource + `,"scopeMetrics":[{"scope":{"name":"lib"},"metrics":[{"name":"http.server.active","unit":"1","sum":{"aggregationTemporality":2,"dataPoints":[` + strings.Join(points, ",") + `]}}]}]}]}`,
		Traces:  `{"resourceSpans":[{` + resource + `,"scopeSpans":[{"scope":{"name":"lib"},"spans":[` + strings.Join(spans, ",") + `]}]}]}`,
	}
}

func BenchmarkDecode(b *testing.B) {
	const n = 100
	for signal, text := range batches(n) {
		m := requestOf(Signal(signal))
		if err := protojson.Unmarshal(hexIDs([]byte(text), fromHex), m); err != nil {
			b.Fatal(err)
		}
		data, err := proto.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		for encoding, body := range map[string][]byte{"JSON": []byte(text), "protobuf": data} {
			b.Run([...]string{"logs", "metrics", "traces"}[signal]+"/"+encoding, func(b *testing.B) {
				var d Decoder
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					got, err := d.Decode(Signal(signal), encoding == "JSON", body, arrived)
					if err != nil || len(got) != n || got[0].Refused.Code != "" {
						b.Fatal(err, len(got))
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
			})
		}
	}
}
