package cloudevents

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"specversion":"1.0","id":"6c1e9a34-7f0d-4f0e-8f5f-%012d","source":"/shop/checkout","type":"com.example.product.viewed","subject":"u%d","datacontenttype":"application/json","time":"2026-11-22T04:59:%02d.303Z","data":{"sku":"s%d","price":%d.5}}`, i, i%7, i%60, i, i))
	}
	body, header := []byte("["+strings.Join(all, ",")+"]"), http.Header{"Content-Type": {Batch}}
	var d Decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(header, body, "", arrived)
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
