package posthog

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"distinct_id":"u%d","event":"product viewed","properties":{"sku":"s%d","price":%d.5,"$process_person_profile":true,"$geoip_disable":true,"$lib":"posthog-node","$lib_version":"5.70.0"},"timestamp":"2026-11-22T04:59:%02d.303Z","uuid":"0199aa2f-6c1e-7a34-8f0d-%012d"}`, i%7, i, i, i%60, i))
	}
	body := []byte(`{"api_key":"KEY","batch":[` + strings.Join(all, ",") + `],"sent_at":"2026-11-22T05:00:00Z"}`)
	var d Decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(Request{Body: body, Arrived: arrived})
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
