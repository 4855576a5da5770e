package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// hiddenFor is how many seconds longer than a run can last a hint stays hidden. A hint
// that comes back too early would only have the worker look in vain.
const hiddenFor = 60

// newQueues returns a queue of hints that there is work, and the one for hints that no
// worker survived. What is to be done is in the table or the bucket, and none of it is lost
// with a hint.
func newQueues(stack awscdk.Stack, s Stage, id, failureID string, w route.Worker) (hints, unworked awssqs.Queue) {
	unworked = awssqs.NewQueue(stack, jsii.String(failureID), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
		RemovalPolicy:   s.removal(),
	})
	hints = awssqs.NewQueue(stack, jsii.String(id), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(w.Seconds + hiddenFor)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: unworked, MaxReceiveCount: jsii.Number(w.Tries)},
		RemovalPolicy:     s.removal(),
	})
	return hints, unworked
}

// work drives a function with the queue. One run may answer many hints.
func work(fn awslambda.Function, w route.Worker, hints awssqs.Queue) {
	fn.AddEventSource(awslambdaeventsources.NewSqsEventSource(hints, &awslambdaeventsources.SqsEventSourceProps{
		BatchSize:      jsii.Number(10),
		MaxConcurrency: jsii.Number(w.Concurrency),
	}))
}
