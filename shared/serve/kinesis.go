package serve

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Consume folds records of one shard, in order. When it fails, retryFrom is the
// first record that must be given again; empty stands for all of them.
type Consume func(ctx context.Context, shard stream.ShardID, records []stream.Record) (retryFrom stream.Sequence, err error)

// Kinesis serves batches of a stream and never returns. The event source must have
// the reporting of batch item failures enabled.
func Kinesis(consume Consume) {
	start(consumer{consume: consume, log: Logger(), now: time.Now}.batch, nil)
}

type consumer struct {
	consume Consume
	log     *slog.Logger
	now     func() time.Time
}

// batch consumes one batch. Of a failure it reports the first record to retry and
// no other: the event source delivers everything from there on again, in order, and
// going on now would only do later records twice.
func (c consumer) batch(ctx context.Context, e events.KinesisEvent) (events.KinesisEventResponse, error) {
	began := c.now()
	ctx, cancel := withMargin(ctx)
	defer cancel()
	shard, records, err := recordsOf(e)
	if err != nil || len(records) == 0 {
		return events.KinesisEventResponse{}, err
	}
	from, err := c.attempt(ctx, shard, records)
	c.line(ctx, shard, records, began, from, err)
	if err == nil {
		return events.KinesisEventResponse{}, nil
	}
	return events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{{ItemIdentifier: string(from)}}}, nil
}

// attempt consumes a batch, and the rest of it once more where the kind of the
// error promises something of that.
func (c consumer) attempt(ctx context.Context, shard stream.ShardID, records []stream.Record) (stream.Sequence, error) {
	from, err := c.consume(ctx, shard, records)
	if err == nil || verdicts[fault.KindOf(err)] == deliverAgain {
		return first(from, records), err
	}
	rest := following(from, records)
	from, err = c.consume(ctx, shard, rest)
	return first(from, rest), err
}

// verdict is what becomes of a batch that failed.
type verdict uint8

const (
	deliverAgain  verdict = iota // by the event source, after a while
	rereadAndRest                // at once: somebody else was faster, and it shows now
)

// verdicts say what a consumer does about each kind of error. Nothing is passed
// over here: what can never succeed the consumer itself has put into quarantine, so
// that an error of kind Invalid is a flaw, and the batch is kept for its mending.
var verdicts = map[fault.Kind]verdict{
	fault.Conflict: rereadAndRest,
	fault.NotFound: rereadAndRest,
}

// first returns the record to retry from, which must be one of the batch.
func first(from stream.Sequence, records []stream.Record) stream.Sequence {
	return following(from, records)[0].Sequence
}

// following returns the records from a sequence on, and all of them where none
// follows it.
func following(from stream.Sequence, records []stream.Record) []stream.Record {
	for i, r := range records {
		if !from.After(r.Sequence) {
			return records[i:]
		}
	}
	return records
}

// recordsOf returns the records of an event, which the event source takes from one
// shard. An event's id is "<shard>:<sequence>".
func recordsOf(e events.KinesisEvent) (stream.ShardID, []stream.Record, error) {
	records := make([]stream.Record, len(e.Records))
	var of string
	for i, r := range e.Records {
		shard, _, found := strings.Cut(r.EventID, ":")
		if !found || i > 0 && shard != of {
			return "", nil, fmt.Errorf("record %q is not of shard %q", r.EventID, of)
		}
		of = shard
		records[i] = stream.Record{
			Sequence: stream.Sequence(r.Kinesis.SequenceNumber), Hash: aws.HashOf(r.Kinesis.PartitionKey),
			Data: r.Kinesis.Data, Arrived: r.Kinesis.ApproximateArrivalTimestamp.UTC(),
		}
	}
	return stream.ShardID(of), records, nil
}

// line writes the one line of a batch.
func (c consumer) line(ctx context.Context, shard stream.ShardID, records []stream.Record, began time.Time, from stream.Sequence, err error) {
	now := c.now()
	attrs := []any{"shard", string(shard), "records", len(records), "ms", now.Sub(began).Milliseconds(),
		"oldest_ms", now.Sub(records[0].Arrived).Milliseconds()}
	if err == nil {
		c.log.InfoContext(ctx, "batch", attrs...)
		return
	}
	c.log.ErrorContext(ctx, "batch", append(attrs, "retry_from", string(from), "kind", fault.KindOf(err).String(), "error", err.Error())...)
}
