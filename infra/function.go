package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

// functions is what changes with every deploy.
type functions struct {
	stack  awscdk.Stack
	byName map[string]awslambda.Function
}

func newFunctions(app awscdk.App, s Stage, d data, f front, a assets) functions {
	stack := newStack(app, s, "functions", "Tarn: what serves the API and folds the stream")
	settings := settingsOf(s, d, f)
	alarms := newAlarms(stack, s)
	byName := map[string]awslambda.Function{}
	for _, spec := range s.functions() {
		fn := newFunction(stack, s, spec, a.code(spec.Name), settings)
		grant(fn, spec, d)
		s.Network.enter(fn, spec)
		tellFeeds(fn, spec, s)
		alarms.watchFunction(spec.Name, fn)
		byName[spec.Name] = fn
	}
	addRoutes(stack, f.api, byName)
	for _, c := range route.Consumers {
		source := consume(byName[c.Function], c, d)
		alarms.watchConsumer(c, byName[c.Function], source)
	}
	follow(stack, s, byName[route.Feed.Function], d, alarms)
	work(byName[route.Work.Function], route.Work, d.hints)
	work(byName[route.Collect.Function], route.Collect, d.told)
	for _, sc := range route.Schedules {
		schedule(stack, sc, byName[sc.Function])
	}
	alarms.watchConcurrency()
	alarms.watchAPI(f.api)
	alarms.watchData(d)
	if d.signIns != nil {
		alarms.watchSignIns(d.signIns)
	}
	alarms.watchWork(route.Work, d)
	alarms.watchDrops(route.Collect, d)
	alarms.watchPoison(d.segments)
	awscdk.NewCfnOutput(stack, jsii.String("RedriveFunction"), &awscdk.CfnOutputProps{Value: byName["redrive"].FunctionName()})
	return functions{stack: stack, byName: byName}
}

// settingsOf are the same for every function: a name grants nothing.
func settingsOf(s Stage, d data, f front) map[string]*string {
	values := map[config.Var]*string{
		config.Table:         d.table.TableName(),
		config.Bucket:        d.segments.BucketName(),
		config.Failures:      d.failures.BucketName(),
		config.Copies:        d.copies.BucketName(),
		config.Drops:         d.drops.BucketName(),
		config.Workgroup:     d.workgroup.Name(),
		config.ScanBytes:     jsii.String(strconv.FormatInt(s.ScanBytes, 10)),
		config.Database:      jsii.String(databaseName(s)),
		config.Stream:        d.stream.StreamName(),
		config.Queue:         d.hints.QueueUrl(),
		config.Unworked:      d.unworked.QueueUrl(),
		config.AlarmGroup:    d.wakeups.group,
		config.AlarmFunction: d.wakeups.function,
		config.AlarmRole:     d.wakeups.role.RoleArn(),
		config.Buckets:       jsii.String(strconv.Itoa(s.HashBuckets)),
		config.UserPool:      d.pool.UserPoolId(),
		config.Client:        f.client.UserPoolClientId(),
		config.Domain:        d.domain.BaseUrl(nil),
		config.Secrets:       jsii.String(secretPrefix(s)),
		config.Scratch:       jsii.String("/tmp"),
	}
	if s.CacheURL != "" {
		values[config.Cache] = jsii.String(s.CacheURL)
	}
	settings := make(map[string]*string, len(values))
	for name, value := range values {
		settings[string(name)] = value
	}
	return settings
}

// size is what a function may use.
type size struct {
	memory  int // MiB; a Lambda has one core at 1,769
	seconds int // longest run; the gateway waits for 30
	scratch int // MiB of local disk; 512 are free
}

// usual suits a function that answers from the table.
var usual = size{memory: 512, seconds: 15, scratch: 512}

// sizes of the others. The ingestor's batch is at most 6 MB and is repeated as a
// whole when it runs out of time; a query has nearly all the time the gateway has; the worker keeps
// what it reads and the file that it writes on its disk. A merge holds what it reads in memory.
var sizes = map[string]size{
	"events":   {memory: 1024, seconds: 25, scratch: 512},
	"queries":  {memory: 3008, seconds: 28, scratch: 4096},
	"models":   {memory: 1769, seconds: 28, scratch: 512},
	"ingestor": {memory: 1769, seconds: 120, scratch: 512},
	"feeds":    {memory: 1024, seconds: 60, scratch: 512},
	"redrive":  {memory: 512, seconds: 600, scratch: 512},
	"signins":  {memory: 512, seconds: 5, scratch: 512}, // as long as Cognito waits
	"worker":   {memory: 3008, seconds: route.Work.Seconds, scratch: 10240},
	"notary":   {memory: 512, seconds: 240, scratch: 512},
	"sweeper":  {memory: 512, seconds: 600, scratch: 512},

	"schedules": {memory: 512, seconds: 28, scratch: 512},
	"scheduler": {memory: 512, seconds: 300, scratch: 512},

	"compactor": {memory: 1769, seconds: 600, scratch: 512},
	"collector": {memory: 512, seconds: route.Collect.Seconds, scratch: 512},
	"publisher": {memory: 1024, seconds: 600, scratch: 512},
}

func sizeOf(function string) size {
	if own, has := sizes[function]; has {
		return own
	}
	return usual
}

// newFunction builds every function. Its role starts with the right to write its
// own log and nothing else.
func newFunction(stack awscdk.Stack, s Stage, spec route.Function, code awslambda.Code, settings map[string]*string) awslambda.Function {
	logs := newLogGroup(stack, s, spec.Name+"Logs")
	role := awsiam.NewRole(stack, jsii.String(spec.Name+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	allow(role, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, *logs.LogGroupArn())
	size := sizeOf(spec.Name)
	var name *string // most have one that CloudFormation gives them
	if spec.Name == route.Remind.Function {
		name = jsii.String(wokenName(s))
	}
	return awslambda.NewFunction(stack, jsii.String(spec.Name), &awslambda.FunctionProps{
		FunctionName:         name,
		Runtime:              awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:         architecture(spec),
		Handler:              jsii.String("bootstrap"),
		Code:                 code,
		MemorySize:           jsii.Number(size.memory),
		Timeout:              awscdk.Duration_Seconds(jsii.Number(size.seconds)),
		EphemeralStorageSize: awscdk.Size_Mebibytes(jsii.Number(size.scratch)),
		Environment:          &settings,
		LogGroup:             logs,
		LoggingFormat:        awslambda.LoggingFormat_JSON,
		Role:                 role,
	})
}

// architecture is arm64, which costs a fifth less, but for what links DuckDB: that
// is built with cgo on whatever machine deploys, which is rarely arm64 Linux.
func architecture(spec route.Function) awslambda.Architecture {
	if spec.Engine {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}

func newLogGroup(stack awscdk.Stack, s Stage, id string) awslogs.LogGroup {
	return awslogs.NewLogGroup(stack, jsii.String(id), &awslogs.LogGroupProps{
		Retention:     s.LogExpiry,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}
