package tail

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/stream"
)

// Follow runs a worker for every shard until ctx ends, children after their
// parents: a child's first mark inherits what its parents have sealed. It looks for
// new shards when a worker ends and whenever look returns.
func Follow(ctx context.Context, s stream.Stream, worker func() *Worker, look func(context.Context) error, grace time.Duration) error {
	var mu sync.Mutex
	running, ended := map[stream.ShardID]bool{}, map[stream.ShardID]bool{}
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		shards, err := s.Shards(ctx)
		if err == nil {
			mu.Lock()
			for _, shard := range ready(shards, running, ended) {
				running[shard.ID] = true
				all.Go(func() {
					err := worker().Run(ctx, shard, grace)
					mu.Lock()
					defer mu.Unlock()
					delete(running, shard.ID)
					ended[shard.ID] = err == nil && ctx.Err() == nil
				})
			}
			mu.Unlock()
		}
		_ = look(ctx) // fails only when ctx ends
	}
	return ctx.Err()
}

// ready lists the shards that may be folded now: not begun, and every parent that
// still exists has been sealed to its end.
func ready(shards []stream.Shard, running, ended map[stream.ShardID]bool) []stream.Shard {
	exists := map[stream.ShardID]bool{}
	for _, s := range shards {
		exists[s.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(shards), func(s stream.Shard) bool {
		waits := slices.ContainsFunc(s.Parents, func(p stream.ShardID) bool { return exists[p] && !ended[p] })
		return running[s.ID] || ended[s.ID] || waits
	})
}
