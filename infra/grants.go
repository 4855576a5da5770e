package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// grant gives a function what its row in the function table says it needs.
func grant(fn awslambda.Function, spec route.Function, d data) {
	for _, need := range spec.Needs {
		what, how, _ := strings.Cut(string(need), ":")
		switch {
		case what == "stream":
			grantStream(fn, how, d)
		case what == "failures":
			grantObjects(fn, how, d.failures, "aws/lambda/*")
		default:
			grantItems(fn, what, how, d)
			if folders := objects[what]; folders != nil {
				grantObjects(fn, how, d.segments, folders...)
			}
		}
	}
}

// objects are the folders of the segment bucket that a need covers beside the
// table's partitions. Below t/<tenant>/d/<dataset>/ the next word tells the kind.
var objects = map[string][]string{
	"manifest": {"t/*/entry/*", "t/*/state/*"},
	"segments": {"t/*/rows/*", "t/*/duplicates/*", "t/*/quarantine/*", "poison/*"},
}

var itemActions = map[string][]string{
	"read":  {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"},
	"write": {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"},
}

// grantItems covers the partitions that begin with the need's word.
func grantItems(fn awslambda.Function, what, how string, d data) {
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(itemActions[how]...),
		Resources: &[]*string{d.table.TableArn()},
		Conditions: &map[string]any{
			"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []string{what + "#*", what + "/*"}},
		},
	}))
}

var objectActions = map[string][]string{
	"read":  {"s3:GetObject"},
	"write": {"s3:PutObject", "s3:DeleteObject"},
}

var keyActions = map[string][]string{
	"read":  {"kms:Decrypt"},
	"write": {"kms:GenerateDataKey"},
}

// grantObjects covers folders of a bucket. Who reads may also list: without that
// S3 answers 403 and not 404 where there is no object.
func grantObjects(fn awslambda.Function, how string, bucket awss3.Bucket, folders ...string) {
	arns := make([]string, len(folders))
	for i, folder := range folders {
		arns[i] = *bucket.ArnForObjects(jsii.String(folder))
	}
	allow(fn, objectActions[how], arns...)
	if how == "read" {
		allow(fn, []string{"s3:ListBucket"}, *bucket.BucketArn())
	}
	allow(fn, keyActions[how], *bucket.EncryptionKey().KeyArn())
}

// grantStream covers putting; reading is the event source's, which grants it.
func grantStream(fn awslambda.Function, how string, d data) {
	if how == "read" {
		return
	}
	allow(fn, []string{"kinesis:PutRecords", "kinesis:ListShards"}, *d.stream.StreamArn())
	allow(fn, []string{"kms:GenerateDataKey"}, *d.stream.EncryptionKey().KeyArn())
}

func allow(who awsiam.IGrantable, actions []string, resources ...string) {
	who.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: jsii.Strings(resources...),
	}))
}
