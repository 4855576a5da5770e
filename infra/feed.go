package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/route"
)

// Feed is a stream that others write and Tarn takes events from. Its write key is the
// secret that docs/streams.md names.
type Feed struct {
	feed.Feed

	RetentionHours int      // Kinesis: for how long the stream keeps records; zero: 24, as it does unless told otherwise
	LoginARN       string   // of the secret with a Kafka cluster's name and password, where that is not the feed's own; MSK demands one
	Keys           []string // ARNs of the KMS keys that the stream or the login is encrypted with, unless those are AWS's
	Private        bool     // Kafka: the servers are in the stage's Network
}

// functions are those of the stage. Redrive may do what it takes to take a feed's failed
// batches again.
func (s Stage) functions() []route.Function {
	all := slices.Clone(route.Functions)
	if len(s.Feeds) == 0 {
		return all
	}
	for i, f := range all {
		if f.Name == "redrive" {
			needs := slices.Concat(f.Needs, route.Feeds.Needs)
			slices.Sort(needs)
			all[i].Needs = slices.Compact(needs)
		}
	}
	return append(all, route.Feeds)
}

// tellFeeds tells a function of the stage's feeds, if it takes any.
func tellFeeds(fn awslambda.Function, spec route.Function, s Stage) {
	if !slices.Contains(spec.Needs, route.ReadFeedKeys) {
		return
	}
	var all []feed.Feed
	for _, f := range s.Feeds {
		all = append(all, f.Feed)
	}
	if err := feed.Check(all); err != nil {
		panic(fmt.Errorf("stage %s, %w", s.Name, err))
	}
	text, _ := json.Marshal(all) // texts alone
	fn.AddEnvironment(jsii.String(string(config.Feeds)), jsii.String(string(text)), nil)
}

// follow drives the function with each feed.
func follow(stack awscdk.Stack, s Stage, fn awslambda.Function, d data, a alarms) {
	kinesis := func(f Feed) bool { return f.Kind == feed.Kinesis }
	if slices.ContainsFunc(s.Feeds, kinesis) {
		a.watchFeeds(fn)
	}
	for _, f := range s.Feeds {
		id := "Feed-" + f.Name
		props := &awslambda.EventSourceMappingProps{
			Target: fn, BatchSize: jsii.Number(route.Feed.BatchRecords), MaxBatchingWindow: awscdk.Duration_Seconds(jsii.Number(route.Feed.BatchSeconds)),
			StartingPosition: awslambda.StartingPosition_TRIM_HORIZON,
			OnFailure:        &failureDestination{d.failures}, SupportS3OnFailureDestination: jsii.Bool(true),
		}
		if f.From == feed.Now {
			props.StartingPosition = awslambda.StartingPosition_LATEST
		}
		if len(f.Keys) > 0 {
			allow(fn, []string{"kms:Decrypt"}, f.Keys...)
		}
		if kinesis(f) {
			f.ofKinesis(fn, props)
			a.watchFeed(f, awslambda.NewEventSourceMapping(stack, jsii.String(id), props))
			continue
		}
		f.ofKafka(fn, props, d)
		awslambda.NewEventSourceMapping(stack, jsii.String(id), props)
	}
}

// ofKinesis has a batch that fails given again from the record that failed, and put aside
// before the stream would forget it.
func (f Feed) ofKinesis(fn awslambda.Function, props *awslambda.EventSourceMappingProps) {
	props.EventSourceArn = &f.ARN
	props.ParallelizationFactor = jsii.Number(route.Feed.Parallelism)
	props.ReportBatchItemFailures, props.BisectBatchOnError = jsii.Bool(true), jsii.Bool(true)
	props.RetryAttempts = jsii.Number(-1) // as many as fit
	props.MaxRecordAge = awscdk.Duration_Hours(jsii.Number(max(f.RetentionHours, 24) - giveUpHours))
	props.MetricsConfig = &awslambda.MetricsConfig{Metrics: &[]awslambda.MetricType{awslambda.MetricType_EVENT_COUNT}}
	allow(fn, []string{"kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"}, f.ARN)
}

// ofKafka has a batch that fails given again as a whole, for as long as the topic keeps it.
func (f Feed) ofKafka(fn awslambda.Function, props *awslambda.EventSourceMappingProps, d data) {
	group := "tarn-" + d.stage.Name + "-" + f.Name
	props.KafkaTopic, props.KafkaConsumerGroupId = &f.Topic, &group
	var access []*awslambda.SourceAccessConfiguration
	if f.Login != "" {
		arn := f.LoginARN
		if arn == "" {
			arn = secretARN(d, feed.LoginSecret(f.Name))
		}
		access = append(access, &awslambda.SourceAccessConfiguration{Type: logins[f.Login](), Uri: &arn})
		allow(fn, []string{"secretsmanager:GetSecretValue"}, arn, arn+"-??????")
	}
	switch {
	case f.Kind == feed.MSK:
		props.EventSourceArn = &f.ARN
		allow(fn, []string{"kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"}, f.ARN)
		if f.Login == "" {
			f.byIAM(fn, group)
		}
		allowPolling(fn)
	case f.Private:
		props.KafkaBootstrapServers = jsii.Strings(f.Servers...)
		if d.stage.Network == nil {
			panic(fmt.Errorf("stage %s, feed %s: it is private, and the stage has no network", d.stage.Name, f.Name))
		}
		access = append(access, &awslambda.SourceAccessConfiguration{Type: awslambda.SourceAccessConfigurationType_VPC_SECURITY_GROUP(), Uri: &d.stage.Network.SecurityGroup})
		for _, subnet := range d.stage.Network.Subnets {
			access = append(access, &awslambda.SourceAccessConfiguration{Type: awslambda.SourceAccessConfigurationType_VPC_SUBNET(), Uri: &subnet})
		}
		allowPolling(fn)
	default:
		props.KafkaBootstrapServers = jsii.Strings(f.Servers...)
	}
	if len(access) > 0 {
		props.SourceAccessConfigurations = &access
	}
}

var logins = map[feed.Login]func() awslambda.SourceAccessConfigurationType{
	feed.PlainLogin: awslambda.SourceAccessConfigurationType_BASIC_AUTH,
	feed.SCRAM256:   awslambda.SourceAccessConfigurationType_SASL_SCRAM_256_AUTH,
	feed.SCRAM512:   awslambda.SourceAccessConfigurationType_SASL_SCRAM_512_AUTH,
}

// byIAM covers one topic and one consumer group of a cluster of MSK.
func (f Feed) byIAM(fn awslambda.Function, group string) {
	of := func(what, name string) string {
		return strings.Replace(f.ARN, ":cluster/", ":"+what+"/", 1) + "/" + name
	}
	allow(fn, []string{"kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"}, f.ARN)
	allow(fn, []string{"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"}, of("topic", f.Topic))
	allow(fn, []string{"kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"}, of("group", group))
}

// pollerActions are what Lambda needs to poll a cluster in a VPC.
var pollerActions = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
	"ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"}

// allowPolling lets Lambda's own pollers into the VPC, in the function's role.
func allowPolling(fn awslambda.Function) {
	allowLambda(fn, pollerActions, "Lambda itself makes network interfaces in the function's role to poll a Kafka cluster, and names none of them before; the function's own code is denied it.")
}

// allowLambda allows Lambda what it does in a function's role, and the function's own code
// none of it.
func allowLambda(fn awslambda.Function, actions []string, why string) {
	excuse(fn.Role(), "AwsSolutions-IAM5", why)
	allow(fn, actions, "*")
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Effect:     awsiam.Effect_DENY,
		Actions:    jsii.Strings(actions...),
		Resources:  jsii.Strings("*"),
		Conditions: &map[string]any{"Null": map[string]string{"lambda:SourceFunctionArn": "false"}},
	}))
}
