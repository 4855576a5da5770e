package tinybird

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"timestamp":"2026-11-22 04:59:%02d.303","event":"product viewed","user_id":"u%d","session_id":"01a205c8-3ed8-7ee1-a710-%012d","sku":"s%d","price":%d.5,"pathname":"/p/%d"}`, i%60, i%7, i%9, i, i, i))
	}
	body := []byte(strings.Join(all, "\n"))
	var d Decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode("hits", body, arrived)
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
