package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed"
)

// Take takes records of a feed, in order. When it fails, those after the first taken must
// be given again.
type Take func(ctx context.Context, f feed.Feed, records []feed.Record) (taken int, err error)

// Feeds serves batches of streams that others write, Kinesis's and Kafka's, and never
// returns. Kinesis's event sources must have the reporting of batch item failures enabled.
func Feeds(all []feed.Feed, take Take, atShutdown ...func(context.Context)) {
	start(feeding{all: all, take: take, log: Logger(), now: time.Now}.event, atShutdown)
}

type feeding struct {
	all  []feed.Feed
	take Take
	log  *slog.Logger
	now  func() time.Time
}

// event takes one batch. Of one from Kinesis that fails, the first record to retry is
// reported, and all from there on come again. Kafka's event sources know but batches: all
// of one that fails comes again.
func (f feeding) event(ctx context.Context, payload json.RawMessage) (any, error) {
	began := f.now()
	ctx, cancel := withMargin(ctx)
	defer cancel()
	of, records, err := f.batchOf(payload)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	taken, err := f.take(ctx, of, records)
	f.line(ctx, of, records, began, taken, err)
	if err == nil {
		return nil, nil
	}
	if of.Kind == feed.Kinesis {
		return events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{{ItemIdentifier: records[taken].Place}}}, nil
	}
	return nil, err
}

// ReadFeed returns the records of a batch, from the event that a function was given, and
// the feed that they are of.
func ReadFeed(all []feed.Feed, payload []byte) (feed.Feed, []feed.Record, error) {
	return feeding{all: all}.batchOf(payload)
}

// batchOf returns the records of an event and the feed that they are of.
func (f feeding) batchOf(payload []byte) (feed.Feed, []feed.Record, error) {
	var kind struct {
		EventSource string `json:"eventSource"` // Kafka's; Kinesis says it of each record
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return feed.Feed{}, nil, fmt.Errorf("the event source's event: %w", err)
	}
	if kind.EventSource != "" {
		return f.kafka(payload)
	}
	return f.kinesis(payload)
}

func (f feeding) kinesis(payload []byte) (of feed.Feed, all []feed.Record, err error) {
	var e events.KinesisEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return of, nil, fmt.Errorf("the event source's event: %w", err)
	}
	for i, r := range e.Records {
		if i == 0 {
			if of, err = f.find(r.EventSourceArn, func(of feed.Feed) bool { return of.Kind == feed.Kinesis && of.ARN == r.EventSourceArn }); err != nil {
				return of, nil, err
			}
		}
		shard, _, found := strings.Cut(r.EventID, ":")
		if !found || r.EventSourceArn != of.ARN {
			return of, nil, fmt.Errorf("record %q is of no shard of %s", r.EventID, of.ARN)
		}
		all = append(all, feed.OfKinesis(shard, r.Kinesis.SequenceNumber, r.Kinesis.ApproximateArrivalTimestamp.Time, r.Kinesis.Data))
	}
	return of, all, nil
}

// kafka returns the records in the order of partitions, which are all of one topic.
func (f feeding) kafka(payload []byte) (of feed.Feed, all []feed.Record, err error) {
	var e events.KafkaEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return of, nil, fmt.Errorf("the event source's event: %w", err)
	}
	for _, partition := range slices.Sorted(maps.Keys(e.Records)) {
		for _, r := range e.Records[partition] {
			if of.Name == "" {
				if of, err = f.find(e.EventSourceARN+" "+r.Topic, func(of feed.Feed) bool { return isOf(e, r.Topic, of) }); err != nil {
					return of, nil, err
				}
			}
			if r.Topic != of.Topic {
				return of, nil, fmt.Errorf("a record of topic %q is in a batch of %q", r.Topic, of.Topic)
			}
			value, err := base64.StdEncoding.DecodeString(r.Value)
			if err != nil {
				return of, nil, fmt.Errorf("topic %s, partition %d, offset %d: %w", r.Topic, r.Partition, r.Offset, err)
			}
			all = append(all, feed.OfKafka(r.Partition, r.Offset, r.Timestamp.UnixMilli(), value))
		}
	}
	return of, all, nil
}

// isOf reports whether a batch of a topic is a feed's. AWS names its own clusters; others
// are known by the servers that the event source was given.
func isOf(e events.KafkaEvent, topic string, of feed.Feed) bool {
	if of.Kind == feed.Kinesis || of.Topic != topic {
		return false
	}
	if e.EventSourceARN != "" {
		return of.ARN == e.EventSourceARN
	}
	given := strings.Split(e.BootstrapServers, ",")
	return slices.ContainsFunc(of.Servers, func(server string) bool { return slices.Contains(given, server) })
}

func (f feeding) find(what string, is func(feed.Feed) bool) (feed.Feed, error) {
	if i := slices.IndexFunc(f.all, is); i >= 0 {
		return f.all[i], nil
	}
	return feed.Feed{}, fmt.Errorf("%s is no feed of this stage", what)
}

// line writes the one line of a batch.
func (f feeding) line(ctx context.Context, of feed.Feed, records []feed.Record, began time.Time, taken int, err error) {
	attrs := []any{"feed", of.Name, "records", len(records), "ms", f.now().Sub(began).Milliseconds()}
	if oldest := records[0].Time; oldest != 0 {
		attrs = append(attrs, "oldest_ms", (began.UnixMicro()-oldest)/1000)
	}
	if err == nil {
		f.log.InfoContext(ctx, "batch", attrs...)
		return
	}
	f.log.ErrorContext(ctx, "batch", append(attrs, "taken", taken, "kind", fault.KindOf(err).String(), "error", err.Error())...)
}
