package feed

import (
	"fmt"
	"testing"
)

// BenchmarkRead reads 100 events: of a record each, and of one record together.
func BenchmarkRead(b *testing.B) {
	const n = 100
	var one []Record
	all := []byte{'['}
	for i := range n {
		event := fmt.Sprintf(`{"event_id":"%08x","event":"page_viewed","time":"2026-01-02T03:%02d:00Z","user_id":"u%d","properties":{"url":"/products/%d","revenue":%d.5,"n":%d}}`, i*2654435761, i%60, i%50, i, i%13, i)
		one = append(one, Record{Partition: "0", Place: fmt.Sprint(i), Time: before, Data: []byte(event)})
		all = append(append(all, event...), ',')
	}
	all[len(all)-1] = ']'
	for name, records := range map[string][]Record{"a record each": one, "one record": {{Partition: "0", Place: "1", Time: before, Data: all}}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := read(Feed{Name: "f", Kind: Kinesis}, records...); len(got) != n || got[0].Refused.Code != "" {
					b.Fatal(len(got))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}
