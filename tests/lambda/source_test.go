package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"
)

// TestAFailedBatchComesBackAsTheEventSourceDocuments holds the stand-in of the event
// source to what the real one documents.
func TestAFailedBatchComesBackAsTheEventSourceDocuments(t *testing.T) {
	var records []types.Record
	for _, sequence := range []string{"1", "2", "3", "4"} {
		records = append(records, types.Record{SequenceNumber: sdk.String(sequence), PartitionKey: sdk.String("k"),
			Data: []byte(sequence), ApproximateArrivalTimestamp: sdk.Time(time.Unix(0, 0))})
	}
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		answers []any // of one call after the other, then success
		want    []string
	}{
		"once where all is well":                        {nil, []string{"1234"}},
		"from the record that is reported":              {[]any{[]string{"3"}}, []string{"1234", "34"}},
		"from the first of several":                     {[]any{[]string{"4", "2"}}, []string{"1234", "234"}},
		"as often as it fails":                          {[]any{[]string{"2"}, []string{"2"}, []string{"4"}}, []string{"1234", "234", "234", "4"}},
		"whole where the report names another record":   {[]any{[]string{"9"}}, []string{"1234", "1234"}},
		"in halves, in order, where the function fails": {[]any{failed}, []string{"1234", "12", "34"}},
		"in halves of halves":                           {[]any{failed, failed, nil, nil, failed}, []string{"1234", "12", "1", "2", "34", "3", "4"}},
		"alone as often as it fails":                    {[]any{failed, nil, failed, failed, failed}, []string{"1234", "12", "34", "3", "3", "3", "4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it pauses before it repeats
			var got []string
			source{invoke: func(_ context.Context, payload []byte) ([]byte, error) {
				got = append(got, given(t, payload))
				if len(got) > len(c.answers) {
					return []byte(`{}`), nil
				}
				switch answer := c.answers[len(got)-1].(type) {
				case error:
					return nil, answer
				case []string:
					return report(t, answer), nil
				}
				return []byte(`{"batchItemFailures":[]}`), nil
			}}.deliver(t.Context(), "shard", records)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// given spells the records of an event.
func given(t *testing.T, payload []byte) string {
	var e events.KinesisEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	for _, r := range e.Records {
		b.Write(r.Kinesis.Data)
	}
	return b.String()
}

func report(t *testing.T, sequences []string) []byte {
	var r events.KinesisEventResponse
	for _, s := range sequences {
		r.BatchItemFailures = append(r.BatchItemFailures, events.KinesisBatchItemFailure{ItemIdentifier: s})
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Error(err)
	}
	return text
}
