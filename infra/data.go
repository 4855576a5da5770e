package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesis"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// data is what outlives a deploy of the functions.
type data struct {
	stage    Stage
	stack    awscdk.Stack
	key      awskms.Key
	table    awsdynamodb.TableV2
	segments awss3.Bucket
	failures awss3.Bucket
	copies   awss3.Bucket // of audit logs
	answers  awss3.Bucket // of Athena
	drops    awss3.Bucket // of files to be loaded
	stream   awskinesis.Stream

	workgroup awsathena.CfnWorkGroup
	hints     awssqs.Queue // that there are jobs
	unworked  awssqs.Queue // hints that no worker survived
	told      awssqs.Queue // that files were dropped
	untold    awssqs.Queue // and nobody has looked
	wakeups   wakeups      // of schedules
	pool      awscognito.UserPool
	domain    awscognito.UserPoolDomain
	signIns   awslambda.Function // nil where nobody signs in with another provider
}

func newData(app awscdk.App, s Stage, a assets) data {
	stack := newStack(app, s, "data", "Tarn: what is stored. It outlives the functions")
	d := data{stage: s, stack: stack}
	d.key = awskms.NewKey(stack, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Tarn: segments, dropped files, failed batches and copies of audit logs"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     s.removal(),
	})
	d.table = newTable(stack)
	logs := newLogBucket(stack, s)
	d.segments = newSegmentBucket(stack, s, d.key, logs)
	d.failures = newFailureBucket(stack, s, d.key, logs)
	d.copies = newCopyBucket(stack, s, d.key, logs)
	newDatabase(stack, s)
	d.answers = newAnswerBucket(stack, s, d.key, logs)
	d.workgroup = newWorkgroup(stack, s, d)
	d.stream = newStream(stack, s)
	d.hints, d.unworked = newQueues(stack, s, "Work", "Unworked", route.Work)
	d.told, d.untold = newQueues(stack, s, "Dropped", "Uncollected", route.Collect)
	d.drops = newDropBucket(stack, s, d.key, logs, d.told)
	d.wakeups = newWakeups(stack, s)
	d.pool, d.domain = newUsers(stack, s)
	if len(s.Providers) > 0 {
		d.signIns = newSignIns(stack, d.pool, s, a)
	}
	awscdk.NewCfnOutput(stack, jsii.String("DropBucket"), &awscdk.CfnOutputProps{Value: d.drops.BucketName()})
	awscdk.NewCfnOutput(stack, jsii.String("UserPool"), &awscdk.CfnOutputProps{Value: d.pool.UserPoolId()})
	return d
}

func (s Stage) removal() awscdk.RemovalPolicy {
	if s.Keep {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
