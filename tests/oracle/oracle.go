// Package oracle starts what stands in for AWS in tests: an emulator per service,
// each a child process on a free port of 127.0.0.1 that ends with the test. With
// TARN_AWS=1 the same calls make their tables, buckets, streams, queues and user
// pools in a real account, under random names, and delete them afterwards.
//
// A test whose emulator is not installed is skipped with the command that installs
// it; with TARN_REQUIRE_ORACLES=1 that is a failure.
package oracle

import (
	"context"
	"crypto/rand"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/tarnhq/tarn/shared/adapter/aws"
)

// Service is one of AWS's, by the name that the SDK's endpoint variables use.
type Service string

const (
	DynamoDB Service = "DYNAMODB"
	S3       Service = "S3"
	Kinesis  Service = "KINESIS"
	SQS      Service = "SQS"
	Cognito  Service = "COGNITO_IDENTITY_PROVIDER"
	Secrets  Service = "SECRETS_MANAGER"
	Alarms   Service = "SCHEDULER"
)

// starters start an emulator and return its URL.
var starters = map[Service]func(testing.TB) (url string){
	DynamoDB: startDynamoDB,
	S3:       startS3,
	Kinesis:  startKinesis,
	SQS:      startSQS,
	Cognito:  startCognito,
	Secrets:  startMoto,
	Alarms:   startMoto,
}

// optional are the services whose emulator no package manager that we rely on has: where
// it is not installed it is left out of what Start starts by itself, and a test of its
// own is skipped wherever it runs.
var optional = map[Service]bool{Secrets: true, Alarms: true}

// What the emulators take for a signature's key and region.
const (
	accessKey = "AKIDTARNTEST"
	secretKey = "tarn-test-secret"
	region    = "us-east-1"
)

// All is the services that were started.
type All struct {
	config    sdk.Config
	endpoints map[Service]string // none of them in a real account
}

// Real reports whether the tests run in an AWS account.
func Real() bool { return os.Getenv("TARN_AWS") == "1" }

// Start starts these services, or every one if none is named, all at the same time.
func Start(t testing.TB, services ...Service) *All {
	t.Helper()
	if Real() {
		account, err := aws.Load(t.Context())
		if err != nil {
			t.Fatalf("TARN_AWS=1: %v", err)
		}
		return &All{config: account.Config()}
	}
	for _, s := range services {
		require(t, s)
	}
	if len(services) == 0 {
		for s := range starters {
			if optional[s] && !installedHere(s) {
				continue
			}
			services = append(services, s)
			require(t, s)
		}
	}
	all := &All{config: emulated(), endpoints: map[Service]string{}}
	var mu sync.Mutex
	var starting sync.WaitGroup
	for _, s := range services {
		starting.Go(func() {
			url := starters[s](t)
			mu.Lock()
			defer mu.Unlock()
			all.endpoints[s] = url
		})
	}
	starting.Wait()
	for _, s := range services {
		if all.endpoints[s] == "" {
			t.Fatalf("%s did not start", s)
		}
	}
	return all
}

func emulated() sdk.Config {
	return sdk.Config{
		Region:      region,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	}
}

// Env is what makes a program's AWS SDK use these services. It is empty for a real
// account.
func (a *All) Env() []string {
	if Real() {
		return nil
	}
	env := []string{
		"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SESSION_TOKEN=",
		"AWS_REGION=" + region, "AWS_EC2_METADATA_DISABLED=true",
	}
	for s, url := range a.endpoints {
		env = append(env, "AWS_ENDPOINT_URL_"+string(s)+"="+url)
	}
	slices.Sort(env)
	return env
}

// Config is the SDK's configuration for services beyond these.
func (a *All) Config() sdk.Config { return a.config }

// endpoint is nil for AWS's own.
func (a *All) endpoint(s Service) *string {
	if url, ok := a.endpoints[s]; ok {
		return &url
	}
	return nil
}

// name returns one that no other test uses and that every service accepts.
func name() string { return "tarn-test-" + strings.ToLower(rand.Text()[:16]) }

// cleanup runs f after the test, with a context that the test's end does not end.
func cleanup(t testing.TB, what string, f func(context.Context) error) {
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := f(ctx); err != nil && Real() {
			t.Errorf("delete the %s: %v", what, err)
		}
	})
}
