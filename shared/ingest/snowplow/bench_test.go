package snowplow

import (
	"fmt"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	const n = 100
	var all []string
	for i := range n {
		nested := in64(enclosed(fmt.Sprintf(`{"schema":"iglu:com.acme/ordered/jsonschema/1-0-0","data":{"n":%d,"price":%d.5}}`, i, i)))
		all = append(all, fmt.Sprintf(`{"e":"ue","ue_px":"%s","eid":"0199aa2f-6c1e-4a34-8f0d-%012d","dtm":"17953200%05d","tv":"node-4.8.0","tna":"t","aid":"shop","p":"srv","uid":"u%d","stm":"1795323600000"}`, nested, i, i, i%7))
	}
	text := body(all...)
	var d Decoder
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(text, arrived)
		if err != nil || len(got) != n || got[0].Refused.Code != "" {
			b.Fatal(err, len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
