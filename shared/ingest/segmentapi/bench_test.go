package segmentapi

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var messages []string
	for i := range n {
		messages = append(messages, fmt.Sprintf(`{"timestamp":"2026-11-22T04:59:%02d.303Z","integrations":{},"event":"Product Viewed","type":"track","properties":{"sku":"s%d","price":%d.5},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"userId":"u%d","messageId":"node-next-1795323542303-%d","_metadata":{"nodeVersion":"v20.20.2"}}`, i%60, i, i, i%7, i))
	}
	body := []byte(`{"batch":[` + strings.Join(messages, ",") + `],"writeKey":"WK","sentAt":"2026-11-22T05:00:00Z"}`)
	var d Decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(Batch, body, arrived)
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
