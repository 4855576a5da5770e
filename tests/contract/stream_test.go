package contract

import (
	"context"
	"math/big"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/stream/streamtest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestStream(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.Kinesis)
	name := services.Stream(t, 4)
	reshard := resharder{services: services, name: name}
	streamtest.Run(t, func(t *testing.T) streamtest.Fixture {
		return streamtest.Fixture{
			Stream: aws.NewStream(services.Kinesis(), name), Split: reshard.split, Merge: reshard.merge,
		}
	})
	t.Run("a record whose answer is lost is stored once", func(t *testing.T) { recordLost(t, services) })
}

// resharder changes a stream's shards. Kinesis takes one change at a time.
type resharder struct {
	services *oracle.All
	name     string
}

func (r resharder) split(ctx context.Context, shard stream.ShardID, at stream.Hash) error {
	key := new(big.Int).SetUint64(uint64(at))
	_, err := r.services.Kinesis().SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: &r.name, ShardToSplit: sdk.String(string(shard)), NewStartingHashKey: sdk.String(key.Lsh(key, 64).String()),
	})
	if err != nil {
		return err
	}
	return r.services.AwaitStream(ctx, r.name)
}

func (r resharder) merge(ctx context.Context, a, b stream.ShardID) error {
	_, err := r.services.Kinesis().MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: &r.name, ShardToMerge: sdk.String(string(a)), AdjacentShardToMerge: sdk.String(string(b)),
	})
	if err != nil {
		return err
	}
	return r.services.AwaitStream(ctx, r.name)
}
