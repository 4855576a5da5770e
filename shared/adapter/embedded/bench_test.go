package embedded_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// BenchmarkStreamPut puts records of one event, and of a hundred, of 200 bytes
// each, from many goroutines at once; each Put waits for its sync.
func BenchmarkStreamPut(b *testing.B) {
	for _, events := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d×200B", events), func(b *testing.B) {
			s := open(b, b.TempDir(), embedded.Options{})
			data := make([]byte, events*200)
			var hash atomic.Uint64
			measure(b, events, func() error {
				_, err := s.Stream().Put(b.Context(), []stream.Entry{{Hash: stream.Hash(hash.Add(1) << 56), Data: data}})
				return err
			})
		})
	}
}

// BenchmarkTableCommit commits two writes of 200 bytes under a condition, from many
// goroutines at once; each Commit waits for its sync.
func BenchmarkTableCommit(b *testing.B) {
	s := open(b, b.TempDir(), embedded.Options{})
	body := make([]byte, 200)
	var n atomic.Uint64
	measure(b, 1, func() error {
		sort := fmt.Sprint(n.Add(1))
		return s.Table().Commit(b.Context(),
			table.Put(table.Item{Key: table.Key{Partition: "a", Sort: sort}, Body: body}).If(table.Absent),
			table.Put(table.Item{Key: table.Key{Partition: "b", Sort: sort}, Body: body}))
	})
}

// BenchmarkStreamFreshness measures the time from the beginning of a Put until a
// reader that waits has the record: one record at a time, nothing else to do.
func BenchmarkStreamFreshness(b *testing.B) {
	l := open(b, b.TempDir(), embedded.Options{Shards: 1}).Stream()
	var took []time.Duration
	var after stream.Sequence
	for b.Loop() {
		began := time.Now()
		var putting sync.WaitGroup
		putting.Go(func() {
			if _, err := l.Put(b.Context(), []stream.Entry{{Data: make([]byte, 200)}}); err != nil {
				b.Error(err)
			}
		})
		records, _, err := l.Read(b.Context(), "shard-000000", after, 10, time.Minute)
		if err != nil || len(records) == 0 {
			b.Fatalf("Read: %d records, %v", len(records), err)
		}
		took = append(took, time.Since(began))
		after = records[len(records)-1].Sequence
		putting.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkTableGet reads items, most of them from SQLite's cache.
func BenchmarkTableGet(b *testing.B) {
	s := open(b, b.TempDir(), embedded.Options{})
	keys := make([]table.Key, 100)
	for i := range keys {
		keys[i] = table.Key{Partition: "p", Sort: fmt.Sprint(i)}
		if err := s.Table().Commit(b.Context(), table.Put(table.Item{Key: keys[i], Body: make([]byte, 200)})); err != nil {
			b.Fatal(err)
		}
	}
	var n atomic.Uint64
	measure(b, 1, func() error {
		_, err := s.Table().Get(b.Context(), keys[n.Add(1)%100])
		return err
	})
}

// measure reports rates per second of time and of processor time.
func measure(b *testing.B, unit int, do func() error) {
	b.SetParallelism(32)
	b.ReportAllocs()
	began, used := time.Now(), processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	done := float64(b.N * unit)
	b.ReportMetric(done/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(done/(processorTime(b)-used).Seconds(), "events/cpu-s")
}

func processorTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
