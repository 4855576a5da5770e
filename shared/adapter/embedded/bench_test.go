package embedded_test

import (
	"fmt"
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
