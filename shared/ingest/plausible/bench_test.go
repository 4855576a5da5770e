package plausible

import "testing"

func BenchmarkDecode(b *testing.B) {
	req := Request{Body: []byte(`{"n":"product viewed","u":"https://shop.example/p/7","d":"KEY","r":null,"w":1920,"h":0,"p":"{\"sku\":\"s7\",\"price\":7.5}"}`), Arrived: arrived, Key: "KEY",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"}
	var d Decoder
	b.SetBytes(int64(len(req.Body)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.Decode(req)
		if err != nil || len(got) != 1 || got[0].Refused.Code != "" {
			b.Fatal(err, got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/event")
}
