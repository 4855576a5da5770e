package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlarmsWakeOneFunctionAndNothingElseMayBeDoneInTheirRole(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		groups := s.data.of("AWS::Scheduler::ScheduleGroup")
		if len(groups) != 1 {
			t.Fatalf("%d groups of schedules", len(groups))
		}
		woken := 0
		for id, f := range s.functions.of("AWS::Lambda::Function") {
			if f.Properties["FunctionName"] == nil {
				continue
			}
			woken++
			if !strings.HasPrefix(id, "scheduler") || f.Properties["FunctionName"] != wokenName(s.Stage) {
				t.Errorf("%s is called %v", id, f.Properties["FunctionName"])
			}
		}
		if woken != 1 {
			t.Errorf("%d functions have a name of their own", woken)
		}
		for id, r := range s.data.of("AWS::IAM::Role") {
			if !strings.HasPrefix(id, "AlarmRole") {
				continue
			}
			trust := fmt.Sprint(r.Properties["AssumeRolePolicyDocument"])
			for _, part := range []string{"scheduler.amazonaws.com", "aws:SourceAccount", "aws:SourceArn", "schedule-group/tarn-" + s.Name} {
				if !strings.Contains(trust, part) {
					t.Errorf("the alarms' role can be assumed without %s: %s", part, trust)
				}
			}
		}
		var may []string
		for id, p := range s.data.of("AWS::IAM::Policy") {
			if !strings.HasPrefix(id, "AlarmRole") {
				continue
			}
			for _, statement := range list(at(p.Properties, "PolicyDocument", "Statement")) {
				may = append(may, fmt.Sprint(at(statement, "Action")))
				if to := fmt.Sprint(at(statement, "Resource")); !strings.Contains(to, ":function:"+wokenName(s.Stage)) {
					t.Errorf("alarms may invoke %s", to)
				}
			}
		}
		if diff := cmp.Diff([]string{"lambda:InvokeFunction"}, may); diff != "" {
			t.Error(diff)
		}
	})
}
