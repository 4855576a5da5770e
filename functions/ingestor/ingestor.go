// Package ingestor folds the batches of the event stream into segments. Each batch
// is sealed when it has been folded: in AWS the event source's batching window makes
// the file. What fails is forgotten and delivered again (docs/commit.md).
package ingestor

import (
	"context"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tail"
)

// Shards is the part of stream.Stream that an Ingestor uses.
type Shards interface {
	Shards(ctx context.Context) ([]stream.Shard, error)
}

// Ingestor consumes batches. Those of one shard must come one at a time.
type Ingestor struct {
	Live   *tail.Live
	Stream Shards

	mu    sync.Mutex
	known map[stream.ShardID]stream.Shard
}

// Consume folds and seals records of a shard. When it fails, everything before the
// sequence that it returns is committed, and everything from there on must be
// delivered again.
func (i *Ingestor) Consume(ctx context.Context, id stream.ShardID, records []stream.Record) (stream.Sequence, error) {
	shard, err := i.shard(ctx, id)
	if err != nil {
		return records[0].Sequence, err
	}
	folded, failed := i.Live.Fold(ctx, shard, records)
	if from, err := i.Live.SealNow(ctx, id); err != nil {
		return from, err
	}
	if failed != nil {
		i.Live.Forget(id)
		return records[folded].Sequence, failed
	}
	return "", nil
}

// shard describes a shard. Where it comes from does not change, so it is asked once.
func (i *Ingestor) shard(ctx context.Context, id stream.ShardID) (stream.Shard, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s, ok := i.known[id]; ok {
		return s, nil
	}
	all, err := i.Stream.Shards(ctx)
	if err != nil {
		return stream.Shard{}, err
	}
	i.known = make(map[stream.ShardID]stream.Shard, len(all))
	for _, s := range all {
		i.known[s.ID] = s
	}
	s, ok := i.known[id]
	if !ok {
		return stream.Shard{}, fault.New(fault.Unavailable, "unknown_shard", "the stream does not list shard %s", id)
	}
	return s, nil
}
