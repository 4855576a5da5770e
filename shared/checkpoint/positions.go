package checkpoint

import (
	"context"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// Positions remembers how far each shard has been sealed in every dataset, where
// no event source keeps that: a worker that starts again reads on from there. It
// is a lower bound that may lag; the marks decide what counts.
type Positions struct{ Table table.Table }

func positionKey(shard stream.ShardID) table.Key {
	return table.Key{Partition: "shard#" + string(shard), Sort: "position"}
}

// Read returns the shard's position, the zero Sequence where there is none.
func (p Positions) Read(ctx context.Context, shard stream.ShardID) (stream.Sequence, error) {
	item, err := p.Table.Get(ctx, positionKey(shard))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return stream.Sequence(item.Attributes["through"]), err
}

// Write moves the shard's position.
func (p Positions) Write(ctx context.Context, shard stream.ShardID, through stream.Sequence) error {
	return p.Table.Commit(ctx, table.Put(table.Item{Key: positionKey(shard), Attributes: map[string]string{"through": string(through)}}))
}
