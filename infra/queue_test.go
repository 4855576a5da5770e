package main

import (
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

func TestHintsDriveTheWorkerAndOutlastItsRuns(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		queue, failures := s.id(s.stacks.data.hints), s.id(s.stacks.data.unworked)
		properties := s.data.resources[queue].Properties
		if got := properties["VisibilityTimeout"]; got != float64(route.Work.Seconds+hiddenFor) {
			t.Errorf("a hint is hidden for %v seconds, a run lasts %d", got, route.Work.Seconds)
		}
		if at(properties, "RedrivePolicy", "maxReceiveCount") != float64(route.Work.Tries) || at(properties, "RedrivePolicy", "deadLetterTargetArn", "Fn::GetAtt").([]any)[0] != failures {
			t.Errorf("redrive policy %v", properties["RedrivePolicy"])
		}
		s.functions.HasResourceProperties(ptr("AWS::Lambda::EventSourceMapping"), map[string]any{
			"BatchSize": 10, "ScalingConfig": map[string]any{"MaximumConcurrency": route.Work.Concurrency},
		})
		s.functions.HasResourceProperties(ptr("AWS::Lambda::Function"), map[string]any{"Timeout": route.Work.Seconds})
		if !s.hasAlarm("workerUnworked") || !s.hasAlarm("workerLate") {
			t.Error("nobody is told of hints that no worker survived, or that wait")
		}
	})
}

func TestQueuesAreEncryptedAndAnswerNobodyInTheClear(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, q := range s.data.of("AWS::SQS::Queue") {
			if q.Properties["SqsManagedSseEnabled"] != true {
				t.Errorf("%s is not encrypted", id)
			}
			denied := false
			for _, p := range s.data.of("AWS::SQS::QueuePolicy") {
				for _, of := range list(p.Properties["Queues"]) {
					for _, st := range list(at(p.Properties, "PolicyDocument", "Statement")) {
						denied = denied || at(of, "Ref") == id && at(st, "Effect") == "Deny" && at(st, "Condition", "Bool", "aws:SecureTransport") == "false"
					}
				}
			}
			if !denied {
				t.Errorf("%s takes requests without TLS", id)
			}
		}
	})
}
