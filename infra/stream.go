package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesis"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// giveUpHours before the stream would forget a record, the event source hands it
// to the failure bucket, while there is still something to hand over.
const giveUpHours = 12

func newStream(stack awscdk.Stack, s Stage) awskinesis.Stream {
	props := &awskinesis.StreamProps{
		RetentionPeriod: awscdk.Duration_Hours(jsii.Number(retentionHours())),
		Encryption:      awskinesis.StreamEncryption_MANAGED,
		StreamMode:      awskinesis.StreamMode_ON_DEMAND,
		RemovalPolicy:   s.removal(),
	}
	if s.Shards > 0 {
		props.StreamMode = awskinesis.StreamMode_PROVISIONED
		props.ShardCount = jsii.Number(s.Shards)
	}
	return awskinesis.NewStream(stack, jsii.String("Events"), props)
}

// retentionHours is what the most patient consumer asks for.
func retentionHours() int {
	hours := 24
	for _, c := range route.Consumers {
		hours = max(hours, c.RetentionHours)
	}
	return hours
}

// consume drives a function with the stream. A batch is retried until its records
// are about to expire, because a consumer fails only where trying again can help:
// what can never succeed it quarantines itself.
func consume(fn awslambda.Function, c route.Consumer, d data) awslambdaeventsources.KinesisEventSource {
	source := awslambdaeventsources.NewKinesisEventSource(d.stream, &awslambdaeventsources.KinesisEventSourceProps{
		StartingPosition:        awslambda.StartingPosition_TRIM_HORIZON,
		BatchSize:               jsii.Number(c.BatchRecords),
		MaxBatchingWindow:       awscdk.Duration_Seconds(jsii.Number(c.BatchSeconds)),
		ParallelizationFactor:   jsii.Number(c.Parallelism),
		ReportBatchItemFailures: jsii.Bool(true),
		BisectBatchOnError:      jsii.Bool(true),
		RetryAttempts:           jsii.Number(-1), // as many as fit
		MaxRecordAge:            awscdk.Duration_Hours(jsii.Number(c.RetentionHours - giveUpHours)),
		OnFailure:               &failureDestination{d.failures},
		MetricsConfig:           &awslambda.MetricsConfig{Metrics: &[]awslambda.MetricType{awslambda.MetricType_EVENT_COUNT}},
	})
	fn.AddEventSource(source)
	return source
}

// failureFolder is where Lambda puts failed batches, by event source and shard.
const failureFolder = "aws/lambda/*"

// failureDestination lets the consumer write failed batches, and, unlike the CDK's
// own, neither read nor delete them.
type failureDestination struct{ bucket awss3.Bucket }

// Bind implements awslambda.IEventSourceDlq.
func (f *failureDestination) Bind(_ awslambda.IEventSourceMapping, fn awslambda.IFunction) *awslambda.DlqDestinationConfig {
	allowObjects(fn, []string{"s3:PutObject"}, f.bucket, failureFolder)
	allow(fn, []string{"s3:ListBucket"}, *f.bucket.BucketArn())
	allow(fn, []string{"kms:GenerateDataKey"}, *f.bucket.EncryptionKey().KeyArn())
	return &awslambda.DlqDestinationConfig{Destination: f.bucket.BucketArn()}
}
