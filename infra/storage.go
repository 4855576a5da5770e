package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
)

// newTable is kept and protected in every stage: it costs nothing while idle, and
// without it the segments are files that nobody can read. It is encrypted with a
// key that DynamoDB owns, since it holds no event's properties.
func newTable(stack awscdk.Stack) awsdynamodb.TableV2 {
	return awsdynamodb.NewTableV2(stack, jsii.String("Table"), &awsdynamodb.TablePropsV2{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(config.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
		SortKey:             &awsdynamodb.Attribute{Name: jsii.String(config.SortKey), Type: awsdynamodb.AttributeType_STRING},
		TimeToLiveAttribute: jsii.String(config.ExpiresKey),
		Billing:             awsdynamodb.Billing_OnDemand(nil),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(true),
		RemovalPolicy:      awscdk.RemovalPolicy_RETAIN,
	})
}

// newSegmentBucket is not versioned: a key is written once and never again, so a
// version would only keep what erasure and compaction have deleted.
func newSegmentBucket(stack awscdk.Stack, s Stage, key awskms.IKey, logs awss3.IBucket) awss3.Bucket {
	props := private(s)
	props.encryptWith(key)
	props.logTo(logs, "segments/")
	props.Cors = uploads()
	props.LifecycleRules = &[]*awss3.LifecycleRule{abandonedUploads()}
	bucket := awss3.NewBucket(stack, jsii.String("Segments"), &props.BucketProps)
	announce(bucket)
	return bucket
}

// uploads lets pages put files to presigned addresses. Any page may try: the address is
// what permits it, and no cookie goes along.
func uploads() *[]*awss3.CorsRule {
	return &[]*awss3.CorsRule{{AllowedMethods: &[]awss3.HttpMethods{awss3.HttpMethods_PUT}, AllowedOrigins: jsii.Strings("*"), AllowedHeaders: jsii.Strings("*"), MaxAge: jsii.Number(3600)}}
}

// announce sends what happens in a bucket to EventBridge. The CDK's own way deploys
// a function for it, which CloudFormation has long not needed.
func announce(bucket awss3.Bucket) {
	bucket.Node().DefaultChild().(awss3.CfnBucket).SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: jsii.Bool(true)},
	})
}

// newFailureBucket keeps batches that the event source gave up on, whole, until a
// redrive has put them back. Nothing expires: an alarm asks for a person.
func newFailureBucket(stack awscdk.Stack, s Stage, key awskms.IKey, logs awss3.IBucket) awss3.Bucket {
	props := private(s)
	props.encryptWith(key)
	props.logTo(logs, "failures/")
	props.LifecycleRules = &[]*awss3.LifecycleRule{abandonedUploads()}
	return awss3.NewBucket(stack, jsii.String("Failures"), &props.BucketProps)
}

// newCopyBucket keeps copies of audit logs from everybody, those who run Tarn included.
func newCopyBucket(stack awscdk.Stack, s Stage, key awskms.IKey, logs awss3.IBucket) awss3.Bucket {
	props := private(s)
	props.encryptWith(key)
	props.logTo(logs, "copies/")
	props.LifecycleRules = &[]*awss3.LifecycleRule{abandonedUploads()}
	days := awscdk.Duration_Days(jsii.Number(s.AuditDays))
	props.Versioned, props.ObjectLockEnabled = jsii.Bool(true), jsii.Bool(true) // one needs the other
	props.ObjectLockDefaultRetention = awss3.ObjectLockRetention_Governance(days)
	if s.Keep {
		props.ObjectLockDefaultRetention = awss3.ObjectLockRetention_Compliance(days)
	}
	return awss3.NewBucket(stack, jsii.String("Copies"), &props.BucketProps)
}

// keepRefused is for how many days what was refused, or deleted by its dropper, is kept.
const keepRefused = 30

// newDropBucket is apart, so that who may drop files there needs no right to anything else,
// and keeps versions: of two files that are dropped under one name both are loaded. Its events
// are hints that go to a queue.
func newDropBucket(stack awscdk.Stack, s Stage, key awskms.IKey, logs awss3.IBucket, told awssqs.Queue) awss3.Bucket {
	props := private(s)
	props.encryptWith(key)
	props.logTo(logs, "drops/")
	props.Versioned = jsii.Bool(true)
	old := awscdk.Duration_Days(jsii.Number(keepRefused))
	props.LifecycleRules = &[]*awss3.LifecycleRule{abandonedUploads(), {NoncurrentVersionExpiration: old}, {ExpiredObjectDeleteMarker: jsii.Bool(true)},
		{Prefix: jsii.String(strings.TrimSuffix(refusedFolder, "*")), Expiration: old}}
	bucket := awss3.NewBucket(stack, jsii.String("Drops"), &props.BucketProps)
	tell(stack, bucket, told)
	return bucket
}

// tell sends the bucket's events to a queue. S3 asks whether it may when the bucket is made,
// so the right cannot name the bucket: it names the account. The CDK's own way deploys a
// function for it.
func tell(stack awscdk.Stack, bucket awss3.Bucket, told awssqs.Queue) {
	told.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{told.QueueArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()}},
	}))
	raw := bucket.Node().DefaultChild().(awss3.CfnBucket)
	raw.SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		QueueConfigurations: []any{&awss3.CfnBucket_QueueConfigurationProperty{
			Event: jsii.String("s3:ObjectCreated:*"), Queue: told.QueueArn(),
			Filter: &awss3.CfnBucket_NotificationFilterProperty{S3Key: &awss3.CfnBucket_S3KeyFilterProperty{
				Rules: []any{&awss3.CfnBucket_FilterRuleProperty{Name: jsii.String("prefix"), Value: jsii.String(strings.TrimSuffix(dropFolder, "*"))}},
			}},
		}},
	})
	raw.Node().AddDependency(told.Node().FindChild(jsii.String("Policy")))
}

func newLogBucket(stack awscdk.Stack, s Stage) awss3.Bucket {
	props := private(s)
	props.Encryption = awss3.BucketEncryption_S3_MANAGED // S3 delivers access logs to nothing else
	props.LifecycleRules = &[]*awss3.LifecycleRule{{Expiration: awscdk.Duration_Days(jsii.Number(90))}}
	return awss3.NewBucket(stack, jsii.String("AccessLogs"), &props.BucketProps)
}

// bucketProps are the settings of a bucket in the making.
type bucketProps struct{ awss3.BucketProps }

// private is what holds for every bucket: nobody outside, nothing in the clear.
func private(s Stage) bucketProps {
	return bucketProps{awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		RemovalPolicy:     s.removal(),
	}}
}

// encryptWith asks KMS for a key per bucket and not per object, which would be
// billed.
func (p *bucketProps) encryptWith(key awskms.IKey) {
	p.Encryption = awss3.BucketEncryption_KMS
	p.EncryptionKey = key
	p.BucketKeyEnabled = jsii.Bool(true)
}

func (p *bucketProps) logTo(logs awss3.IBucket, prefix string) {
	p.ServerAccessLogsBucket = logs
	p.ServerAccessLogsPrefix = jsii.String(prefix)
}

func abandonedUploads() *awss3.LifecycleRule {
	return &awss3.LifecycleRule{AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1))}
}
