package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// answerDays is how long Athena's answers are kept: an execution is found again for a
// day.
const answerDays = 2

// newAnswerBucket takes Athena's answers. They can be had again, and hold what erasure
// must reach: they soon go.
func newAnswerBucket(stack awscdk.Stack, s Stage, key awskms.IKey, logs awss3.IBucket) awss3.Bucket {
	props := private(s)
	props.encryptWith(key)
	props.logTo(logs, "answers/")
	props.LifecycleRules = &[]*awss3.LifecycleRule{abandonedUploads(), {Expiration: awscdk.Duration_Days(jsii.Number(answerDays))}}
	return awss3.NewBucket(stack, jsii.String("Answers"), &props.BucketProps)
}

// newWorkgroup is where queries run that are too large for a function. What it says
// holds for every query in it, whatever the query says itself.
func newWorkgroup(stack awscdk.Stack, s Stage, d data) awsathena.CfnWorkGroup {
	group := awsathena.NewCfnWorkGroup(stack, jsii.String("Scans"), &awsathena.CfnWorkGroupProps{
		Name:        jsii.String("tarn-" + s.Name),
		Description: jsii.String("Tarn: queries that scan more than a function should"),
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			BytesScannedCutoffPerQuery:      jsii.Number(s.AthenaBytes),
			EnforceWorkGroupConfiguration:   jsii.Bool(true),
			PublishCloudWatchMetricsEnabled: jsii.Bool(true),
			EngineVersion:                   &awsathena.CfnWorkGroup_EngineVersionProperty{SelectedEngineVersion: jsii.String("Athena engine version 3")},
			ResultConfiguration: &awsathena.CfnWorkGroup_ResultConfigurationProperty{
				OutputLocation: d.answers.S3UrlForObject(jsii.String("")),
				EncryptionConfiguration: &awsathena.CfnWorkGroup_EncryptionConfigurationProperty{
					EncryptionOption: jsii.String("SSE_KMS"), KmsKey: d.key.KeyArn(),
				},
			},
		},
		RecursiveDeleteOption: jsii.Bool(!s.Keep),
	})
	group.ApplyRemovalPolicy(s.removal(), nil)
	return group
}

// grantScans covers running statements in the workgroup. Athena reads the catalog, the
// tables' metadata and writes the answer with the rights of who asks; the rows are a
// need of their own.
func grantScans(fn awslambda.Function, d data) {
	allow(fn, []string{"athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:StopQueryExecution"},
		*d.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("athena"), Resource: jsii.String("workgroup"), ResourceName: d.workgroup.Name()}))
	allowTables(fn, []string{"glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"}, d)
	grantObjects(fn, "read", d.segments, openFolders...)
	for _, how := range []string{"read", "write"} {
		grantObjects(fn, how, d.answers, "*")
	}
	allow(fn, []string{"s3:GetBucketLocation", "s3:ListBucketMultipartUploads"}, *d.answers.BucketArn())
	allow(fn, []string{"s3:GetBucketLocation"}, *d.segments.BucketArn())
	allowObjects(fn, []string{"s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, d.answers, "*")
}
