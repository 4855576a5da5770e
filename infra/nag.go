package main

import (
	"regexp"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// excuse tells cdk-nag why a rule of its AwsSolutions pack does not fit a construct
// and what the construct contains.
func excuse(what constructs.IConstruct, rule, reason string) {
	suppress(what, &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(reason)})
}

// excuseEnding excuses only the rule's findings that end in the text: of a policy,
// one resource with a wildcard, while another would still be found.
func excuseEnding(what constructs.IConstruct, rule, reason, ending string) {
	finding := &cdknag.RegexAppliesTo{Regex: jsii.String("/" + regexp.QuoteMeta(ending) + "$/")}
	suppress(what, &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(reason), AppliesTo: &[]any{finding}})
}

func suppress(what constructs.IConstruct, s *cdknag.NagPackSuppression) {
	cdknag.NagSuppressions_AddResourceSuppressions(what, &[]*cdknag.NagPackSuppression{s}, jsii.Bool(true))
}
