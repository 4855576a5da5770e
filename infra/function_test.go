package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

func TestEveryFunctionOfTheTableIsDeployedWithAllSettings(t *testing.T) {
	want := []string{}
	for _, v := range []config.Var{config.Table, config.Bucket, config.Failures, config.Copies, config.Drops, config.Database, config.Workgroup, config.ScanBytes, config.Stream, config.Buckets,
		config.Queue, config.Unworked, config.AlarmGroup, config.AlarmFunction, config.AlarmRole, config.UserPool, config.Client, config.Domain, config.Secrets, config.Scratch} {
		want = append(want, string(v))
	}
	slices.Sort(want)
	everyStage(t, func(t *testing.T, s synth) {
		s.functions.ResourceCountIs(ptr("AWS::Lambda::Function"), number(len(route.Functions)))
		for _, f := range route.Functions {
			got := []string{}
			for name := range at(s.function(t, f.Name), "Environment", "Variables").(map[string]any) {
				got = append(got, name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.Name, diff)
			}
		}
	})
}

func TestFunctionsRunOnArmButThoseWithTheEngine(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, f := range route.Functions {
			want := "arm64"
			if f.Engine {
				want = "x86_64"
			}
			props := s.function(t, f.Name)
			if diff := cmp.Diff([]any{want}, props["Architectures"]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.Name, diff)
			}
			if props["Runtime"] != "provided.al2023" {
				t.Errorf("%s: runtime %v", f.Name, props["Runtime"])
			}
		}
	})
}

func TestAnAnswerIsThereBeforeTheGatewayStopsWaiting(t *testing.T) {
	const gateway = 30
	for _, r := range route.All {
		if got := sizeOf(r.Function).seconds; got >= gateway {
			t.Errorf("%s may take %d s", r.Function, got)
		}
	}
}

func TestEveryLogExpires(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, stack := range []template{s.front, s.functions} {
			for id, group := range stack.of("AWS::Logs::LogGroup") {
				if group.Properties["RetentionInDays"] == nil {
					t.Errorf("%s never expires", id)
				}
			}
		}
	})
}

func TestEveryAlarmTellsSomebodyWhatToDo(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, a := range s.functions.of("AWS::CloudWatch::Alarm") {
			if len(list(a.Properties["AlarmActions"])) != 1 {
				t.Errorf("%s tells nobody", id)
			}
			if text, _ := a.Properties["AlarmDescription"].(string); text == "" {
				t.Errorf("%s says nothing", id)
			}
		}
		for _, f := range route.Functions {
			if !s.hasAlarm(f.Name + "Errors") {
				t.Errorf("no alarm on the errors of %s", f.Name)
			}
		}
	})
}

func TestAlarmsAndEventsMayPublishToTheTopic(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		allowed := map[any]bool{}
		for _, p := range s.functions.of("AWS::SNS::TopicPolicy") {
			for _, st := range at(p.Properties, "PolicyDocument", "Statement").([]any) {
				if at(st, "Effect") == "Allow" && at(st, "Action") == "sns:Publish" {
					allowed[at(st, "Principal", "Service")] = true
				}
			}
		}
		for _, service := range []string{"cloudwatch.amazonaws.com", "events.amazonaws.com"} {
			if !allowed[service] {
				t.Errorf("%s may not publish", service)
			}
		}
	})
}

func TestARecordThatCannotBeDecodedIsReported(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		s.data.HasResourceProperties(ptr("AWS::S3::Bucket"), map[string]any{
			"NotificationConfiguration": map[string]any{"EventBridgeConfiguration": map[string]any{"EventBridgeEnabled": true}},
		})
		found := 0
		for id, r := range s.functions.of("AWS::Events::Rule") {
			if r.Properties["EventPattern"] == nil {
				continue // on a schedule
			}
			found++
			want := []any{map[string]any{"prefix": "poison/"}}
			if diff := cmp.Diff(want, at(r.Properties, "EventPattern", "detail", "object", "key")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", id, diff)
			}
			if len(list(r.Properties["Targets"])) != 1 {
				t.Errorf("%s tells nobody", id)
			}
		}
		if found != 1 {
			t.Errorf("%d rules, want 1", found)
		}
	})
}

func (s synth) hasAlarm(prefix string) bool {
	for id := range s.functions.of("AWS::CloudWatch::Alarm") {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

func TestTheMakefileLinksTheEngineIntoTheFunctionsThatHaveIt(t *testing.T) {
	text, err := os.ReadFile("infra.mk")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^lambda_engines := (.*)$`).FindSubmatch(text)
	if line == nil {
		t.Fatal("infra.mk names no engines")
	}
	var want []string
	for _, f := range route.Functions {
		if f.Engine {
			want = append(want, f.Name)
		}
	}
	if diff := cmp.Diff(want, strings.Fields(string(line[1]))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
