package main

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdaeventsources"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// alarms tell a person what Tarn cannot mend alone.
type alarms struct {
	stack awscdk.Stack
	topic awssns.Topic
}

func newAlarms(stack awscdk.Stack, s Stage) alarms {
	topic := awssns.NewTopic(stack, jsii.String("Alarms"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
	// A topic with a policy of its own has lost the usual one, which lets alarms in.
	topic.GrantPublish(awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": stack.Account()}},
	}))
	if s.AlarmEmail != "" {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(s.AlarmEmail), nil))
	}
	return alarms{stack: stack, topic: topic}
}

// alarm is one thing to watch.
type alarm struct {
	id     string
	says   string
	metric awscloudwatch.IMetric
	above  float64
	times  int // periods in a row
}

func (a alarms) add(w alarm) {
	made := awscloudwatch.NewAlarm(a.stack, jsii.String(w.id), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(w.says),
		Metric:             w.metric,
		Threshold:          jsii.Number(w.above),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		EvaluationPeriods:  jsii.Number(w.times),
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	made.AddAlarmAction(awscloudwatchactions.NewSnsAction(a.topic))
	made.AddOkAction(awscloudwatchactions.NewSnsAction(a.topic))
}

// total adds a metric up over five minutes.
func total() *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{
		Statistic: awscloudwatch.Stats_SUM(), Period: awscdk.Duration_Minutes(jsii.Number(5)),
	}
}

func (a alarms) watchFunction(name string, fn awslambda.Function) {
	a.add(alarm{name + "Errors", "The function " + name + " crashed or ran out of time.", fn.MetricErrors(total()), 0, 1})
}

// watchConcurrency asks the whole account, whose limit it is.
func (a alarms) watchConcurrency() {
	a.add(alarm{"Throttles", "Functions were refused a run: the account's concurrency is used up.",
		awslambda.Function_MetricAllThrottles(total()), 0, 1})
}

// lateAfter is how old the oldest record may be before somebody should look:
// freshness is long gone, and the stream's retention is not.
const lateAfter = 10 * time.Minute

func (a alarms) watchConsumer(c route.Consumer, fn awslambda.Function, source awslambdaeventsources.KinesisEventSource) {
	a.add(alarm{c.Function + "Late", "Acknowledged events wait to be stored: see the errors of " + c.Function + ".",
		fn.Metric(jsii.String("IteratorAge"), &awscloudwatch.MetricOptions{
			Statistic: awscloudwatch.Stats_MAXIMUM(), Period: awscdk.Duration_Minutes(jsii.Number(5)),
		}), float64(lateAfter.Milliseconds()), 2})
	a.add(alarm{c.Function + "Failures", "Batches went to the failure bucket: mend the cause, then redrive.",
		mappingMetric(source, "OnFailureDestinationDeliveredEventCount"), 0, 1})
	a.add(alarm{c.Function + "Dropped", "Events were lost: the event source could not write to the failure bucket.",
		mappingMetric(source, "DroppedEventCount"), 0, 1})
}

// watchFeed tells of a stream of others whose records are not taken. That Kafka's are not
// shows in the errors of the function: it fails with them.
func (a alarms) watchFeed(f Feed, source awslambda.EventSourceMapping) {
	a.add(alarm{"Feed-" + f.Name + "Failures", "Batches of the feed " + f.Name + " went to the failure bucket: see the errors of " + route.Feed.Function + ", mend the cause, then redrive.",
		mappingMetric(source, "OnFailureDestinationDeliveredEventCount"), 0, 1})
	a.add(alarm{"Feed-" + f.Name + "Dropped", "Events of the feed " + f.Name + " were lost: the event source could not write to the failure bucket.",
		mappingMetric(source, "DroppedEventCount"), 0, 1})
}

// watchFeeds tells of feeds that lag. Kinesis alone says by how much in time.
func (a alarms) watchFeeds(fn awslambda.Function) {
	a.add(alarm{route.Feed.Function + "Late", "Records of feeds wait to be taken: see the errors of " + route.Feed.Function + "; a write key may be revoked, or its quota too small.",
		fn.Metric(jsii.String("IteratorAge"), &awscloudwatch.MetricOptions{
			Statistic: awscloudwatch.Stats_MAXIMUM(), Period: awscdk.Duration_Minutes(jsii.Number(5)),
		}), float64(lateAfter.Milliseconds()), 2})
}

// mapping is what drives a function with a stream.
type mapping interface{ EventSourceMappingId() *string }

func mappingMetric(source mapping, name string) awscloudwatch.IMetric {
	return metric("AWS/Lambda", name, map[string]*string{"EventSourceMappingUUID": source.EventSourceMappingId()})
}

func (a alarms) watchAPI(api awsapigatewayv2.HttpApi) {
	a.add(alarm{"ApiErrors", "The API answered 5xx.", metric("AWS/ApiGateway", "5xx", map[string]*string{"ApiId": api.ApiId()}), 5, 1})
}

func (a alarms) watchData(d data) {
	table := map[string]*string{"TableName": d.table.TableName()}
	a.add(alarm{"TableReadThrottles", "The table refused reads.", metric("AWS/DynamoDB", "ReadThrottleEvents", table), 0, 2})
	a.add(alarm{"TableWriteThrottles", "The table refused writes.", metric("AWS/DynamoDB", "WriteThrottleEvents", table), 0, 2})
	a.add(alarm{"StreamThrottles", "The stream refused records: producers are told to come back. Add shards.",
		metric("AWS/Kinesis", "WriteProvisionedThroughputExceeded", map[string]*string{"StreamName": d.stream.StreamName()}), 0, 2})
}

// watchWork tells of jobs that nobody does. Each job says itself when it failed.
func (a alarms) watchWork(w route.Worker, d data) {
	a.add(alarm{w.Function + "Unworked", "The function " + w.Function + " died again and again: see its errors. No job is lost; purge the queue once it is mended.",
		worst("ApproximateNumberOfMessagesVisible", d.unworked), 0, 1})
	a.add(alarm{w.Function + "Late", "Jobs have waited for an hour: more come than the worker's concurrency can do.",
		worst("ApproximateAgeOfOldestMessage", d.hints), 3600, 2})
}

// watchDrops tells of drops that nobody looks at. Each one that cannot be loaded says itself
// why.
func (a alarms) watchDrops(w route.Worker, d data) {
	a.add(alarm{w.Function + "Uncollected", "The function " + w.Function + " failed again and again: see its errors. Nothing that was dropped is lost; purge the queue once it is mended.",
		worst("ApproximateNumberOfMessagesVisible", d.untold), 0, 1})
}

// worst is the highest value of a queue's metric.
func worst(name string, q awssqs.Queue) awscloudwatch.IMetric {
	return metric("AWS/SQS", name, map[string]*string{"QueueName": q.QueueName()}).With(&awscloudwatch.MetricOptions{Statistic: awscloudwatch.Stats_MAXIMUM()})
}

func (a alarms) watchSignIns(fn awslambda.Function) {
	a.add(alarm{route.SignIns.Name + "Errors", "People of other providers cannot sign in: see the log of " + route.SignIns.Name + ".", signInFailures(fn), 0, 1})
}

// watchPoison tells of records that nobody can decode, which the consumer keeps and
// passes over: their events were acknowledged and stay pending in the ledger.
func (a alarms) watchPoison(segments awss3.Bucket) {
	key := awsevents.EventField_FromPath(jsii.String("$.detail.object.key"))
	awsevents.NewRule(a.stack, jsii.String("Poison"), &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.s3"),
			DetailType: jsii.Strings("Object Created"),
			Detail: &map[string]any{
				"bucket": map[string]any{"name": []*string{segments.BucketName()}},
				"object": map[string]any{"key": awsevents.Match_Prefix(jsii.String(poisonFolder))},
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewSnsTopic(a.topic, &awseventstargets.SnsTopicProps{
			Message: awsevents.RuleTargetInput_FromText(jsii.String(
				"A record of the stream cannot be decoded. Its events stay pending in the ledger; the record is kept as " + *key)),
		})},
	})
}

func metric(namespace, name string, dimensions map[string]*string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(namespace), MetricName: jsii.String(name), DimensionsMap: &dimensions,
		Statistic: total().Statistic, Period: total().Period,
	})
}
