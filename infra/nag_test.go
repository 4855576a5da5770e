package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

func TestEveryAwsSolutionsRuleHoldsOrIsExcused(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		everywhere, rules := jsii.String("*"), jsii.String("AwsSolutions-|CdkNag") // the latter: could not be evaluated
		for _, stack := range []template{s.data, s.front, s.functions} {
			stack.notes.HasNoError(everywhere, assertions.Match_StringLikeRegexp(rules))
			stack.notes.HasNoWarning(everywhere, assertions.Match_StringLikeRegexp(rules))
		}
	})
}
