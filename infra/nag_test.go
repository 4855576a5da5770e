package main

import "testing"

func TestEveryAwsSolutionsRuleHoldsOrIsExcused(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, stack := range []template{s.data, s.front, s.functions} {
			for _, finding := range stack.findings {
				t.Error(finding)
			}
		}
	})
}
