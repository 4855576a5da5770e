package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/route"
)

func TestEveryScheduleOfTheTableDrivesItsFunctionAndNoOtherIsThere(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		want, got := map[string]string{}, map[string]string{}
		for _, sc := range route.Schedules {
			want[s.id(s.stacks.functions.byName[sc.Function])] = rate(sc.Every)
		}
		for id, r := range s.functions.of("AWS::Events::Rule") {
			every, scheduled := r.Properties["ScheduleExpression"].(string)
			if !scheduled {
				continue
			}
			targets := list(r.Properties["Targets"])
			if len(targets) != 1 || r.Properties["State"] != "ENABLED" {
				t.Errorf("%s: state %v, targets %v", id, r.Properties["State"], targets)
				continue
			}
			got[fmt.Sprint(at(targets[0], "Arn", "Fn::GetAtt").([]any)[0])] = every
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// rate is how EventBridge writes an interval of whole hours or of some minutes.
func rate(every time.Duration) string {
	switch {
	case every == time.Hour:
		return "rate(1 hour)"
	case every%time.Hour == 0:
		return fmt.Sprintf("rate(%d hours)", every/time.Hour)
	default:
		return fmt.Sprintf("rate(%d minutes)", every/time.Minute)
	}
}

func TestTheClockMayInvokeWhatItDrivesAndAFailedRunIsNotRepeated(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, sc := range route.Schedules {
			function := s.id(s.stacks.functions.byName[sc.Function])
			allowed := false
			for _, p := range s.functions.of("AWS::Lambda::Permission") {
				name, _ := at(p.Properties, "FunctionName", "Fn::GetAtt").([]any)
				allowed = allowed || p.Properties["Principal"] == "events.amazonaws.com" && len(name) > 0 && name[0] == function
			}
			if !allowed {
				t.Errorf("the clock may not invoke %s", sc.Function)
			}
			once := false
			for id, c := range s.functions.of("AWS::Lambda::EventInvokeConfig") {
				once = once || strings.HasPrefix(id, sc.Function) && c.Properties["MaximumRetryAttempts"] == float64(0)
			}
			if !once {
				t.Errorf("a failed run of %s is repeated", sc.Function)
			}
		}
	})
}
