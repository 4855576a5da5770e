package umami

import (
	"fmt"
	"strings"
	"testing"
)

const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"type":"event","payload":{"website":"KEY","name":"product viewed","url":"/p/%d","hostname":"shop.example","language":"de-CH","screen":"1920x1080","data":{"sku":"s%d","price":%d.5}}}`, i, i, i))
	}
	var d Decoder
	b.Run("one", func(b *testing.B) {
		req := Request{Body: []byte(all[0]), Arrived: arrived, UserAgent: browser, Key: "KEY"}
		b.SetBytes(int64(len(req.Body)))
		b.ReportAllocs()
		for b.Loop() {
			got, err := d.Decode(req)
			if err != nil || len(got) != 1 || got[0].Refused.Code != "" {
				b.Fatal(err, got)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/event")
	})
	b.Run("batch", func(b *testing.B) {
		req := Request{Body: []byte("[" + strings.Join(all, ",") + "]"), Arrived: arrived, UserAgent: browser, Key: "KEY"}
		b.SetBytes(int64(len(req.Body)))
		b.ReportAllocs()
		for b.Loop() {
			got, err := d.DecodeBatch(req)
			if err != nil || len(got) != n || got[0].Refused.Code != "" {
				b.Fatal(err, len(got))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
	})
}
