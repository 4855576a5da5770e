package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/route"
)

func TestTheBucketOfDroppedFilesKeepsVersionsAndTellsItsQueueWhichTellsTheCollector(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		bucket, queue, failures := s.data.resources[s.id(s.stacks.data.drops)].Properties, s.id(s.stacks.data.told), s.id(s.stacks.data.untold)
		if at(bucket, "VersioningConfiguration", "Status") != "Enabled" {
			t.Error("of two files under one name one would be lost")
		}
		told := list(at(bucket, "NotificationConfiguration", "QueueConfigurations"))
		if len(told) != 1 {
			t.Fatalf("the bucket tells %v", told)
		}
		want := map[string]any{"Event": "s3:ObjectCreated:*", "Queue": map[string]any{"Fn::GetAtt": []any{queue, "Arn"}},
			"Filter": map[string]any{"S3Key": map[string]any{"Rules": []any{map[string]any{"Name": "prefix", "Value": "drop/"}}}}}
		if diff := cmp.Diff(want, told[0]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		properties := s.data.resources[queue].Properties
		if properties["VisibilityTimeout"] != float64(route.Collect.Seconds+hiddenFor) || at(properties, "RedrivePolicy", "maxReceiveCount") != float64(route.Collect.Tries) ||
			at(properties, "RedrivePolicy", "deadLetterTargetArn", "Fn::GetAtt").([]any)[0] != failures {
			t.Errorf("the queue is %v", properties)
		}
		s.functions.HasResourceProperties(ptr("AWS::Lambda::EventSourceMapping"), map[string]any{"ScalingConfig": map[string]any{"MaximumConcurrency": route.Collect.Concurrency}})
		if !s.hasAlarm("collectorUncollected") {
			t.Error("nobody is told of drops that nobody looks at")
		}
	})
}

func TestOnlyTheServiceMaySendToTheQueueOfDroppedFilesAndOnlyForTheAccount(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		allowed := 0
		for _, p := range s.data.of("AWS::SQS::QueuePolicy") {
			for _, st := range list(at(p.Properties, "PolicyDocument", "Statement")) {
				if at(st, "Effect") != "Allow" {
					continue
				}
				allowed++
				if at(st, "Principal", "Service") != "s3.amazonaws.com" || at(st, "Action") != "sqs:SendMessage" || at(st, "Condition", "StringEquals", "aws:SourceAccount") == nil {
					t.Errorf("allowed is %v", st)
				}
			}
		}
		if allowed != 1 {
			t.Errorf("%d statements allow something, want 1", allowed)
		}
	})
}

func TestNobodyButTheCollectorReachesWhatWasDropped(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, f := range route.Functions {
			for _, action := range []string{"s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject", "s3:PutObject"} {
				if may(s.policy(t, f.Name), right{action, "Drops", ""}) != (f.Name == "collector" && action != "s3:GetObject" && action != "s3:DeleteObject") {
					t.Errorf("%s may or may not %s", f.Name, action)
				}
			}
		}
	})
}
