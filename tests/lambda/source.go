package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// source is an event source mapping: it reads every shard from its beginning,
// children after their parents, and hands the records to a consumer in batches. A
// batch that fails is delivered again until it succeeds: from the record that the
// consumer reports, or in halves where the consumer could not say.
type source struct {
	client *kinesis.Client
	stream string
	invoke func(ctx context.Context, payload []byte) ([]byte, error)
	batch  int           // records of one event at most
	window time.Duration // how long a batch may gather
	again  func()        // told of each delivery that failed; may be nil
}

const (
	readPause = 50 * time.Millisecond  // between two looks at a shard
	lookPause = 200 * time.Millisecond // between two looks at the list of shards
	lastPause = time.Second            // before a batch is delivered again, at most
)

// run drives the consumer until ctx ends.
func (s source) run(ctx context.Context) {
	begun, drained := map[string]bool{}, make(chan string)
	done := map[string]bool{}
	for ctx.Err() == nil {
		for _, shard := range s.shards(ctx) {
			id := *shard.ShardId
			if begun[id] || !ready(shard, begun, done) {
				continue
			}
			begun[id] = true
			go func() {
				s.follow(ctx, id)
				select {
				case drained <- id:
				case <-ctx.Done():
				}
			}()
		}
		select {
		case id := <-drained:
			done[id] = true
		case <-time.After(lookPause):
		case <-ctx.Done():
		}
	}
}

// shards lists the shards; none when that fails, so that it is tried again.
func (s source) shards(ctx context.Context) []types.Shard {
	out, err := s.client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: &s.stream})
	if err != nil {
		return nil
	}
	return out.Shards
}

// ready reports whether the parents of a shard have been read to their end.
func ready(shard types.Shard, begun, done map[string]bool) bool {
	for _, parent := range []*string{shard.ParentShardId, shard.AdjacentParentShardId} {
		if parent != nil && begun[*parent] && !done[*parent] {
			return false
		}
	}
	return true
}

// follow delivers the records of a shard until it is drained or ctx ends.
func (s source) follow(ctx context.Context, shard string) {
	var after string
	var gathered []types.Record
	var since time.Time
	iterator := s.iterator(ctx, shard, after)
	for ctx.Err() == nil {
		out, err := s.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: sdk.Int32(int32(s.batch - len(gathered)))})
		if err != nil {
			pause(ctx, readPause)
			iterator = s.iterator(ctx, shard, after)
			continue
		}
		if len(gathered) == 0 {
			since = time.Now()
		}
		if n := len(out.Records); n > 0 {
			gathered, after = append(gathered, out.Records...), *out.Records[n-1].SequenceNumber
		}
		iterator = out.NextShardIterator
		if full := len(gathered) >= s.batch || time.Since(since) >= s.window; len(gathered) > 0 && (full || iterator == nil) {
			s.deliver(ctx, shard, gathered)
			gathered = nil
		}
		if iterator == nil {
			return
		}
		if len(out.Records) == 0 {
			pause(ctx, readPause)
		}
	}
}

// iterator begins after a record, or at the first one there is.
func (s source) iterator(ctx context.Context, shard, after string) *string {
	in := &kinesis.GetShardIteratorInput{StreamName: &s.stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if after != "" {
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &after
	}
	for ctx.Err() == nil {
		if out, err := s.client.GetShardIterator(ctx, in); err == nil {
			return out.ShardIterator
		}
		pause(ctx, readPause)
	}
	return nil
}

// deliver hands over a batch until all of it has succeeded.
func (s source) deliver(ctx context.Context, shard string, records []types.Record) {
	for wait := readPause; len(records) > 0 && ctx.Err() == nil; wait = min(2*wait, lastPause) {
		answer, err := s.invoke(ctx, payloadOf(s.stream, shard, records))
		var report events.KinesisEventResponse
		if err == nil {
			err = json.Unmarshal(answer, &report)
		}
		if err == nil && len(report.BatchItemFailures) == 0 {
			return
		}
		if s.again != nil {
			s.again()
		}
		pause(ctx, wait)
		if half := len(records) / 2; err != nil && half > 0 {
			s.deliver(ctx, shard, records[:half])
			records = records[half:]
		}
		records = records[earliest(report, records):]
	}
}

// earliest returns the place of the first record that a consumer reports; 0, for
// the whole batch, when it reports none of it.
func earliest(report events.KinesisEventResponse, records []types.Record) int {
	at := len(records)
	for _, failure := range report.BatchItemFailures {
		i := slices.IndexFunc(records, func(r types.Record) bool { return *r.SequenceNumber == failure.ItemIdentifier })
		if i < 0 {
			return 0
		}
		at = min(at, i)
	}
	if at == len(records) {
		return 0
	}
	return at
}

// payloadOf is the event of a batch. It spells out what is documented, for the
// runtime's own type would write a time as it is not sent.
func payloadOf(stream, shard string, records []types.Record) []byte {
	list := make([]map[string]any, len(records))
	for i, r := range records {
		list[i] = map[string]any{
			"kinesis": map[string]any{
				"kinesisSchemaVersion": "1.0", "partitionKey": *r.PartitionKey, "sequenceNumber": *r.SequenceNumber,
				"data": r.Data, "approximateArrivalTimestamp": float64(r.ApproximateArrivalTimestamp.UnixMilli()) / 1000,
			},
			"eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record", "awsRegion": "us-east-1",
			"eventID":           shard + ":" + *r.SequenceNumber,
			"invokeIdentityArn": "arn:aws:iam::123456789012:role/tarn-ingestor",
			"eventSourceARN":    "arn:aws:kinesis:us-east-1:123456789012:stream/" + stream,
		}
	}
	payload, err := json.Marshal(map[string]any{"Records": list})
	if err != nil {
		panic(fmt.Sprintf("plain data: %v", err))
	}
	return payload
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
