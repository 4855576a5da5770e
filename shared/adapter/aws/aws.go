// Package aws holds the AWS side of the ports: DynamoDB, S3, Kinesis, SQS, the API
// Gateway management API, Cognito, Secrets Manager and EventBridge Scheduler. It turns the SDK's errors into
// fault kinds and keeps the SDK's retries away from calls whose repetition would
// hide an unknown outcome (retry.go says which). Settings of the SDK come from
// its own environment variables, endpoints included, and from nowhere else.
package aws

import (
	"context"
	"errors"
	"net/http"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/tarnhq/tarn/shared/fault"
)

// Account opens the ports of one AWS account and region. Its clients are made on
// demand, so that a program links only the services it uses.
type Account struct{ config sdk.Config }

// Load reads the SDK's configuration: region, credentials, endpoints.
func Load(ctx context.Context) (Account, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(httpClient()),
		config.WithRetryer(func() sdk.Retryer { return repeatable() }))
	if err == nil && cfg.Region == "" {
		err = errors.New("no region: set AWS_REGION")
	}
	if err != nil {
		return Account{}, fault.Wrap(fault.Internal, "aws_config", err)
	}
	return Account{config: cfg}, nil
}

// httpClient drops connections before the services do. A function that was frozen
// for longer would otherwise write to a connection that the other side has closed,
// and a write that cannot be repeated would fail for nothing.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.IdleConnTimeout = 20 * time.Second
		t.MaxIdleConnsPerHost = 64
	})
}

// Config returns the SDK's configuration, for clients of services beyond the ports.
func (a Account) Config() sdk.Config { return a.config }

// Table opens the DynamoDB table with this name.
func (a Account) Table(name string) *Table {
	return NewTable(dynamodb.NewFromConfig(a.config), name)
}

// Blob opens the S3 bucket with this name. Ranges have no checksum, which the SDK
// would otherwise log each time.
func (a Account) Blob(bucket string) *Blob {
	return NewBlob(s3.NewFromConfig(a.config, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }), bucket)
}

// Drops opens the S3 bucket with this name, that files are dropped into, and the one of the
// blobs which they become.
func (a Account) Drops(bucket, blobs string) *Drops {
	return NewDrops(s3.NewFromConfig(a.config), bucket, blobs)
}

// Stream opens the Kinesis stream with this name.
func (a Account) Stream(name string) *Stream {
	return NewStream(kinesis.NewFromConfig(a.config), name)
}

// Queue opens the SQS queue with this URL, whose messages go to the failure queue
// after too many tries.
func (a Account) Queue(url, failures string) *Queue {
	return NewQueue(sqs.NewFromConfig(a.config), url, failures)
}

// Alarms opens a group of one-time schedules of EventBridge Scheduler.
func (a Account) Alarms(to AlarmTarget) *Alarms {
	return NewAlarms(scheduler.NewFromConfig(a.config), to, time.Now)
}

// Push opens the WebSocket stage whose management endpoint is
// https://{api}.execute-api.{region}.amazonaws.com/{stage}.
func (a Account) Push(endpoint string) *Push {
	return NewPush(a.config, endpoint)
}

// Directory opens a Cognito user pool. The domain is the URL of its sign-in pages.
func (a Account) Directory(pool, client, domain string) *Directory {
	return NewDirectory(cognitoidentityprovider.NewFromConfig(a.config), pool, client, domain)
}

// Secrets opens the secrets of Secrets Manager whose names begin with a prefix.
func (a Account) Secrets(prefix string) *Secrets {
	return NewSecrets(secretsmanager.NewFromConfig(a.config), prefix)
}
