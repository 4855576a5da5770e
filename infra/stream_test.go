package main

import (
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

func TestTheEventSourceRetriesUntilTheStreamForgetsAndKeepsWhatFailed(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, c := range route.Consumers {
			s.functions.HasResourceProperties(ptr("AWS::Lambda::EventSourceMapping"), map[string]any{
				"FunctionResponseTypes":          []any{"ReportBatchItemFailures"},
				"BisectBatchOnFunctionError":     true,
				"ParallelizationFactor":          1,
				"MaximumRetryAttempts":           -1,
				"MaximumRecordAgeInSeconds":      (c.RetentionHours - giveUpHours) * 3600,
				"BatchSize":                      c.BatchRecords,
				"MaximumBatchingWindowInSeconds": c.BatchSeconds,
				"StartingPosition":               "TRIM_HORIZON",
				"MetricsConfig":                  map[string]any{"Metrics": []any{"EventCount"}},
			})
			if c.Parallelism != 1 {
				t.Errorf("%s: parallelism %d: a mark per shard would be wrong", c.Function, c.Parallelism)
			}
		}
		for id, m := range s.functions.of("AWS::Lambda::EventSourceMapping") {
			if m.Properties["StartingPosition"] == nil {
				continue // of a queue
			}
			if at(m.Properties, "DestinationConfig", "OnFailure", "Destination") == nil {
				t.Errorf("%s: failed batches go nowhere", id)
			}
		}
	})
}

func TestTheStreamIsEncryptedAndOutlivesEveryRetry(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, stream := range s.data.of("AWS::Kinesis::Stream") {
			if got := stream.Properties["RetentionPeriodHours"]; got != float64(168) {
				t.Errorf("%s: retention %v hours, want 168", id, got)
			}
			if got := at(stream.Properties, "StreamEncryption", "EncryptionType"); got != "KMS" {
				t.Errorf("%s: encryption %v, want KMS", id, got)
			}
		}
	})
}

func TestAStageHasAsManyBucketsAsShardsAndAPowerOfTwo(t *testing.T) {
	for _, s := range Stages {
		if n := s.HashBuckets; n < 1 || n&(n-1) != 0 || n < s.Shards {
			t.Errorf("%s: %d buckets for %d shards", s.Name, n, s.Shards)
		}
	}
}
