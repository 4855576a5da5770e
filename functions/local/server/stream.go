package server

import (
	"context"
	"math/bits"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tail"
)

// parallelism is the number of shards and buckets of a new data folder: half the
// processors fold, the others serve. More buckets than shards would only make
// smaller records.
func parallelism() int {
	half := max(1, runtime.GOMAXPROCS(0)/2)
	return min(16, 1<<(bits.Len(uint(half))-1)) // #nosec G115 -- at least 1
}

// buckets returns the number of buckets that the data folder was made with, for it
// must never change.
func buckets(ctx context.Context, tbl table.Table, fresh int) (int, error) {
	key := table.Key{Partition: "settings", Sort: "buckets"}
	item, err := tbl.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return fresh, tbl.Commit(ctx, table.Put(table.Item{Key: key, Attributes: map[string]string{"number": strconv.Itoa(fresh)}}).If(table.Absent))
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(item.Attributes["number"])
}

// worker makes the worker of one shard.
func (s *Server) worker() *tail.Worker {
	return &tail.Worker{
		Live: s.live, Stream: s.store.Stream(), Positions: checkpoint.Positions{Table: s.store.Table()},
		Policy: s.options.Policy, Wait: 100 * time.Millisecond, Pause: snapshot.Every(100 * time.Millisecond),
		Sealed: s.sealed, Log: s.options.Log,
	}
}

// trimmer remembers how far each shard is sealed.
type trimmer struct {
	mu      sync.Mutex
	through map[stream.ShardID]stream.Sequence
}

// sealed lets the stream drop what every dataset has sealed.
func (s *Server) sealed(shard stream.ShardID, through stream.Sequence) {
	s.trim.mu.Lock()
	defer s.trim.mu.Unlock()
	if s.trim.through == nil {
		s.trim.through = map[stream.ShardID]stream.Sequence{}
	}
	s.trim.through[shard] = through
	if err := s.store.Stream().Trim(context.Background(), s.trim.through); err != nil {
		s.options.Log.Error("trim", "error", err) // tried again after the next seal
	}
}
