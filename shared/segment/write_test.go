package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

var origin = Origin{Tenant: "demo", Dataset: "abcdefghijkl", Shard: "shardId-000000000001", From: "17", Through: "42"}

// clicks makes rows as a web shop sends them, about 150 bytes of JSON each: skewed
// users and pages, a session of about eight events, an order in fifty with revenue.
func clicks(n int) rows.Batch {
	random := rand.New(rand.NewPCG(1, 2))
	users := rand.NewZipf(random, 1.2, 50, 20_000)
	pages := rand.NewZipf(random, 1.1, 10, 2_000)
	names := []string{"page_viewed", "page_viewed", "page_viewed", "product_viewed", "cart_updated", "session_started"}
	viewed, ordered := &events.Shape{Names: []string{"url"}}, &events.Shape{Names: []string{"url", "revenue"}}
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "url", Type: dataset.Text}, {Name: "revenue", Type: dataset.Float}}}
	b := rows.NewBuilder(schema, dataset.Quarantine)
	type session struct {
		user, id string
	}
	open := make([]session, 500)
	received := int64(1_767_225_600_000_000)
	for i := range n {
		s := &open[random.IntN(len(open))]
		if s.id == "" || random.IntN(8) == 0 {
			*s = session{fmt.Sprintf("user-%06d", users.Uint64()), fmt.Sprintf("s%012x", random.Uint64()>>16)}
		}
		if i%100 == 0 {
			received += 2000 + random.Int64N(500)
		}
		item := pages.Uint64()
		e := &events.Event{
			ID:   uuid(random),
			Name: names[random.IntN(len(names))], Time: received - random.Int64N(200_000)/1000*1000,
			UserID: s.user, SessionID: s.id,
			Shape: viewed, Values: []events.Value{{Kind: events.Text, Text: fmt.Sprintf("/products/category-%d/item-%d", item%40, item)}},
		}
		if random.IntN(50) == 0 {
			e.Name, e.Shape = "order_completed", ordered
			e.Values = append(e.Values, events.Value{Kind: events.Float, Float: float64(100+random.IntN(20_000)) / 100})
		}
		b.Append(e, received)
	}
	return b.View()
}

func uuid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

func TestTheSameRowsMakeTheSameBytes(t *testing.T) {
	batch := clicks(5000)
	first, body, err := Encode(origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := Encode(origin, clicks(300), nil); err != nil { // other content in the scratch memory
			t.Fatal(err)
		}
		ref, again, err := Encode(origin, batch, nil)
		if err != nil || ref.Key != first.Key || !bytes.Equal(body, again) {
			t.Fatalf("%s, then %s (%v)", first.Key, ref.Key, err)
		}
	}
}

// processorTime is what this process has used: wall time lies on a shared machine.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 500_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			batch := clicks(n)
			size, begin := int64(0), processorTime(b)
			b.ReportAllocs()
			for b.Loop() {
				ref, _, err := Encode(origin, batch, nil)
				if err != nil {
					b.Fatal(err)
				}
				size = ref.Bytes
			}
			b.ReportMetric(float64(processorTime(b)-begin)/float64(b.N)/float64(n), "cpu-ns/event")
			b.ReportMetric(float64(size)/float64(n), "bytes/event")
		})
	}
}
