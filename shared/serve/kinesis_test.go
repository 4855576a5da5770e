package serve

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

const shard = "shardId-000000000000"

// batchOf is an event of records with these sequences.
func batchOf(t *testing.T, sequences ...stream.Sequence) (e events.KinesisEvent) {
	t.Helper()
	read(t, "kinesis-record", &e)
	one := e.Records[0]
	e.Records = nil
	for _, s := range sequences {
		one.Kinesis.SequenceNumber, one.EventID = string(s), shard+":"+string(s)
		e.Records = append(e.Records, one)
	}
	return e
}

func consumerOf(consume Consume) consumer {
	return consumer{consume: consume, log: quiet(), now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
}

func TestRecordsArriveAsTheyWerePut(t *testing.T) {
	var e events.KinesisEvent
	read(t, "kinesis-record", &e)
	got, err := consumerOf(func(_ context.Context, of stream.ShardID, records []stream.Record) (stream.Sequence, error) {
		r := records[0]
		want := stream.Record{Sequence: "49590338271490256608559692538361571095921575989136588898", Data: e.Records[0].Kinesis.Data,
			Hash: aws.HashOf("513"), Arrived: time.Date(2026, 1, 2, 3, 4, 5, 100e6, time.UTC)}
		if diff := cmp.Diff(want, r, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" || of != shard || len(records) != 1 {
			t.Errorf("of shard %s (-want +got):\n%s", of, diff)
		}
		return "", nil
	}).batch(t.Context(), e)
	if err != nil || len(got.BatchItemFailures) != 0 {
		t.Errorf("a batch without a failure reports %v, %v", got, err)
	}
}

func TestTheFirstRecordToRetryIsReportedAndNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		from stream.Sequence
		want string
	}{
		"the first":              {"9", "9"},
		"one in the middle":      {"10", "10"},
		"the last":               {"101", "101"},
		"all where none is said": {"", "9"},
		"all where it is none of them: past the end": {"999", "9"},
		"the next where it is none of them":          {"50", "101"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			got, err := consumerOf(func(context.Context, stream.ShardID, []stream.Record) (stream.Sequence, error) {
				calls++
				return c.from, errors.New("broken")
			}).batch(t.Context(), batchOf(t, "9", "10", "11", "101"))
			want := events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{{ItemIdentifier: c.want}}}
			if diff := cmp.Diff(want, got); diff != "" || err != nil || calls != 1 {
				t.Errorf("%d calls, %v, -want +got:\n%s", calls, err, diff)
			}
		})
	}
}

func TestWhatTheKindOfAnErrorMeansToABatch(t *testing.T) {
	for kind, rereads := range map[fault.Kind]bool{
		fault.Internal: false, fault.Invalid: false, fault.Throttled: false, fault.Unavailable: false,
		fault.Conflict: true, fault.NotFound: true,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			var given []int
			got, err := consumerOf(func(_ context.Context, _ stream.ShardID, records []stream.Record) (stream.Sequence, error) {
				given = append(given, len(records))
				return "10", fault.New(kind, "x", "x")
			}).batch(t.Context(), batchOf(t, "9", "10", "11"))
			want := []int{3}
			if rereads {
				want = []int{3, 2}
			}
			if diff := cmp.Diff(want, given); diff != "" || err != nil || got.BatchItemFailures[0].ItemIdentifier != "10" {
				t.Errorf("%v, %v, records of each call (-want +got):\n%s", got, err, diff)
			}
		})
	}
}

func TestABatchThatSomebodyElseCommittedSucceedsOnTheSecondLook(t *testing.T) {
	calls := 0
	got, err := consumerOf(func(context.Context, stream.ShardID, []stream.Record) (stream.Sequence, error) {
		if calls++; calls == 1 {
			return "9", fault.New(fault.Conflict, "x", "x")
		}
		return "", nil
	}).batch(t.Context(), batchOf(t, "9", "10"))
	if err != nil || len(got.BatchItemFailures) != 0 || calls != 2 {
		t.Errorf("%d calls, %v, %v", calls, got, err)
	}
}

func TestABatchOfTwoShardsIsRefused(t *testing.T) {
	e := batchOf(t, "9", "10")
	e.Records[1].EventID = "shardId-000000000001:10"
	_, err := consumerOf(func(context.Context, stream.ShardID, []stream.Record) (stream.Sequence, error) {
		return "", fmt.Errorf("must not be called")
	}).batch(t.Context(), e)
	if err == nil {
		t.Error("no error, so the event source would go on")
	}
}
