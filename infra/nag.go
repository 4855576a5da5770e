package main

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// excuse tells cdk-nag why a rule of its AwsSolutions pack does not fit here. It
// covers what the construct contains. Finding, if any, is the one finding of the
// rule that is excused, and the others still count.
func excuse(what constructs.IConstruct, rule, reason string, finding ...string) {
	s := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(reason)}
	if len(finding) > 0 {
		applies := make([]any, len(finding))
		for i, f := range finding {
			applies[i] = f
		}
		s.AppliesTo = &applies
	}
	cdknag.NagSuppressions_AddResourceSuppressions(what, &[]*cdknag.NagPackSuppression{s}, jsii.Bool(true))
}
