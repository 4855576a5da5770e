package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Stream is stream.Stream on a Kinesis data stream. A record's partition key holds
// its hash in hexadecimal, because Kinesis does not give an explicit hash key back.
type Stream struct {
	client *kinesis.Client
	name   string
	once   func(*kinesis.Options)
}

// NewStream opens the stream with this name.
func NewStream(client *kinesis.Client, name string) *Stream {
	once := refusedOnly()
	return &Stream{client: client, name: name, once: func(o *kinesis.Options) { o.Retryer = once }}
}

// Put implements stream.Stream. Kinesis accepts or refuses each entry by itself.
// A call that was refused as a whole is repeated for up to two seconds; one whose
// answer was lost is not, since its entries may be stored.
func (s *Stream) Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	if err := checkEntries(entries); err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, nil
	}
	records := make([]types.PutRecordsRequestEntry, len(entries))
	for i, e := range entries {
		records[i] = types.PutRecordsRequestEntry{
			PartitionKey: partitionKey(e.Hash), ExplicitHashKey: hashKey(e.Hash), Data: nonNil(e.Data),
		}
	}
	out, err := s.client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: &s.name, Records: records}, s.once)
	if err != nil {
		return nil, translate("stream", err)
	}
	if len(out.Records) != len(entries) {
		return nil, faultOf("stream", fault.Unavailable, fmt.Errorf("%d places for %d entries", len(out.Records), len(entries)))
	}
	places := make([]stream.Place, len(entries))
	for i, r := range out.Records {
		places[i] = place(r)
	}
	return places, nil
}

func place(r types.PutRecordsResultEntry) stream.Place {
	if code := sdk.ToString(r.ErrorCode); code != "" {
		cause := fmt.Errorf("%s: %s", code, sdk.ToString(r.ErrorMessage))
		return stream.Place{Err: faultOf("stream", kindOfCode(code, 500), cause)}
	}
	return stream.Place{Shard: stream.ShardID(sdk.ToString(r.ShardId)), Sequence: stream.Sequence(sdk.ToString(r.SequenceNumber))}
}

// nonNil keeps an empty record apart from a missing one.
func nonNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

func checkEntries(entries []stream.Entry) error {
	if len(entries) > stream.MaxPut {
		return invalid("stream_put_long", "a put holds at most %d records", stream.MaxPut)
	}
	total := 0
	for _, e := range entries {
		if len(e.Data) > stream.MaxRecord {
			return invalid("stream_record_large", "a record holds at most %d bytes", stream.MaxRecord)
		}
		total += len(e.Data)
	}
	if total > stream.MaxBytes {
		return invalid("stream_put_large", "a put holds at most %d bytes", stream.MaxBytes)
	}
	return nil
}

// Shards implements stream.Stream.
func (s *Stream) Shards(ctx context.Context) ([]stream.Shard, error) {
	var all []types.Shard
	in := &kinesis.ListShardsInput{StreamName: &s.name}
	for {
		out, err := s.client.ListShards(ctx, in)
		if err != nil {
			return nil, translate("stream", err)
		}
		all = append(all, out.Shards...)
		if out.NextToken == nil {
			return shardsOf(all)
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

// shardsOf leaves out parents that are no longer listed: their records have
// expired, so there is nothing to read first.
func shardsOf(all []types.Shard) ([]stream.Shard, error) {
	shards := make([]stream.Shard, len(all))
	listed := make(map[stream.ShardID]bool, len(all))
	for i, s := range all {
		from, through, err := hashRange(s.HashKeyRange)
		if err != nil {
			return nil, faultOf("stream", fault.Internal, err)
		}
		shards[i] = stream.Shard{ID: stream.ShardID(sdk.ToString(s.ShardId)), From: from, Through: through}
		shards[i].Closed = s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
		for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if parent != nil {
				shards[i].Parents = append(shards[i].Parents, stream.ShardID(*parent))
			}
		}
		listed[shards[i].ID] = true
	}
	for i := range shards {
		shards[i].Parents = slices.DeleteFunc(shards[i].Parents, func(id stream.ShardID) bool { return !listed[id] })
	}
	return shards, nil
}

const (
	maxRead = 10_000                 // records of one answer
	pause   = 250 * time.Millisecond // Kinesis lets a shard be read five times a second
)

// Read implements stream.Stream. It begins at the record after itself, so as to
// see whether it is still there: Kinesis would go on silently behind what has
// expired.
func (s *Stream) Read(ctx context.Context, shard stream.ShardID, after stream.Sequence, limit int, wait time.Duration) ([]stream.Record, bool, error) {
	deadline := time.Now().Add(wait)
	r, err := s.open(ctx, shard, after)
	if err != nil {
		return nil, false, err
	}
	if limit <= 0 || limit > maxRead {
		limit = maxRead
	}
	for {
		records, behind, err := r.next(ctx, limit)
		if err != nil || len(records) > 0 || r.iterator == nil {
			return records, err == nil && r.iterator == nil, err
		}
		if behind {
			continue
		}
		if !time.Now().Add(pause).Before(deadline) {
			return nil, false, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, false, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader follows a shard. Its iterator is nil when the shard is drained.
type reader struct {
	client   *kinesis.Client
	iterator *string
	after    stream.Sequence // the record that the iterator begins with; empty once it was seen
}

func (s *Stream) open(ctx context.Context, shard stream.ShardID, after stream.Sequence) (*reader, error) {
	in := &kinesis.GetShardIteratorInput{
		StreamName: &s.name, ShardId: sdk.String(string(shard)), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if after != "" {
		in.ShardIteratorType = types.ShardIteratorTypeAtSequenceNumber
		in.StartingSequenceNumber = sdk.String(string(after))
	}
	out, err := s.client.GetShardIterator(ctx, in)
	switch code := codeOf(err); {
	case code == "ResourceNotFoundException":
		return nil, faultOf("stream", fault.NotFound, err)
	case code == "InvalidArgumentException" && after != "":
		return nil, faultOf("stream", fault.NotFound, err)
	case err != nil:
		return nil, translate("stream", err)
	}
	return &reader{client: s.client, iterator: out.ShardIterator, after: after}, nil
}

// next returns up to limit records; behind tells that there are more even if it
// returned none.
func (r *reader) next(ctx context.Context, limit int) (records []stream.Record, behind bool, err error) {
	if r.after != "" {
		limit++
	}
	limit = min(limit, maxRead)
	out, err := r.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: r.iterator, Limit: sdk.Int32(int32(limit))}) // #nosec G115 -- at most maxRead
	if err != nil {
		return nil, false, translate("stream", err)
	}
	r.iterator = out.NextShardIterator
	found := out.Records
	if r.after != "" && len(found) > 0 {
		if sdk.ToString(found[0].SequenceNumber) != string(r.after) {
			return nil, false, faultOf("stream", fault.NotFound, fmt.Errorf("record %s has expired", r.after))
		}
		// Whether the record that was skipped is the last of a closed shard, only
		// the next answer tells.
		found, r.after, behind = found[1:], "", true
	}
	for _, record := range found {
		records = append(records, recordOf(record))
	}
	return records, behind || sdk.ToInt64(out.MillisBehindLatest) > 0, nil
}

func recordOf(r types.Record) stream.Record {
	return stream.Record{
		Sequence: stream.Sequence(sdk.ToString(r.SequenceNumber)),
		Hash:     HashOf(sdk.ToString(r.PartitionKey)),
		Data:     r.Data,
		Arrived:  sdk.ToTime(r.ApproximateArrivalTimestamp),
	}
}
