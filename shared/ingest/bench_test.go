package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const arrivedAt = 1767323045000000

// clickstream is the body of n events of about 150 bytes with three properties.
func clickstream(n int) []byte {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"event_id":"%08x","event":"page_viewed","time":"2026-01-02T03:%02d:%02d.%03dZ","user_id":"u%d","properties":{"url":"/products/%d","revenue":%d.5,"n":%d}}`,
			i*2654435761, i/60%60, i%60, i%1000, i%500, i%97, i%13, i)
	}
	b.WriteByte(']')
	return []byte(b.String())
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		body := clickstream(n)
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			var d Decoder
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				got, err := d.Decode(body, arrivedAt)
				if err != nil || len(got) != n || got[0].Refused.Code != "" {
					b.Fatal(err, len(got), got[0].Refused)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
			b.ReportMetric(float64(len(body))/float64(n), "B/event")
		})
	}
}

// BenchmarkUnmarshal is what package encoding/json needs for the same bodies, to
// compare with on a busy machine.
func BenchmarkUnmarshal(b *testing.B) {
	const n = 1000
	body := clickstream(n)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var got []struct {
			ID         string         `json:"event_id"`
			Name       string         `json:"event"`
			Time       time.Time      `json:"time"`
			UserID     string         `json:"user_id"`
			Properties map[string]any `json:"properties"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

// BenchmarkValid is the least that package encoding/json needs: it checks only.
func BenchmarkValid(b *testing.B) {
	const n = 1000
	body := clickstream(n)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !json.Valid(body) {
			b.Fatal("not valid")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}
