package oracle

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const kinesisScript = "kinesis-local/main.js"

// startKinesis starts an emulator that would take half a second for every change
// of a stream, as the service takes half a minute.
func startKinesis(t testing.TB) string {
	port, tls := freePort(t), freePort(t)
	child := nodeScript(kinesisScript)
	child.Dir = filepath.Dir(installed(kinesisScript)) // it reads its certificate from there
	child.Env = append(child.Env, fmt.Sprintf("KINESIS_MOCK_PLAIN_PORT=%d", port), fmt.Sprintf("KINESIS_MOCK_TLS_PORT=%d", tls), "LOG_LEVEL=ERROR")
	for _, change := range []string{"CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS"} {
		child.Env = append(child.Env, change+"_DURATION=20ms")
	}
	return run(t, port, child)
}

// Kinesis is a client of the service.
func (a *All) Kinesis() *kinesis.Client {
	return kinesis.NewFromConfig(a.config, func(o *kinesis.Options) { o.BaseEndpoint = a.endpoint(Kinesis) })
}

// Stream makes a stream of so many shards and returns its name.
func (a *All) Stream(t testing.TB, shards int) string {
	t.Helper()
	client, stream := a.Kinesis(), name()
	if err := createStream(t.Context(), client, stream, shards); err != nil {
		t.Fatalf("create a stream: %v", err)
	}
	cleanup(t, "stream", func(ctx context.Context) error {
		_, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &stream})
		return err
	})
	if err := a.AwaitStream(t.Context(), stream); err != nil {
		t.Fatalf("create a stream: %v", err)
	}
	return stream
}

// createStream asks up to ten times: the emulator has been seen to answer 400 without
// a word just after its start. A stream that an earlier try made is the one.
func createStream(ctx context.Context, client *kinesis.Client, stream string, shards int) (err error) {
	for try := range 10 {
		_, err = client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &stream, ShardCount: sdk.Int32(int32(shards))})
		var made *types.ResourceInUseException
		if err == nil || try > 0 && errors.As(err, &made) {
			return nil
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// AwaitStream waits until a change of a stream is done.
func (a *All) AwaitStream(ctx context.Context, stream string) error {
	active := kinesis.NewStreamExistsWaiter(a.Kinesis(), func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 5*time.Second
	})
	return active.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &stream}, 5*time.Minute)
}
