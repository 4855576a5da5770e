package oracle

import (
	"context"
	"fmt"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const sqsScript = "fauxqs/dist/cli.js"

func startSQS(t testing.TB) string {
	port := freePort(t)
	child := nodeScript(sqsScript)
	child.Env = append(child.Env, fmt.Sprintf("FAUXQS_PORT=%d", port), "FAUXQS_LOGGER=false")
	return run(t, port, child)
}

// SQS is a client of the service.
func (a *All) SQS() *sqs.Client {
	return sqs.NewFromConfig(a.config, func(o *sqs.Options) { o.BaseEndpoint = a.endpoint(SQS) })
}

// Queue makes a queue and its failure queue, where a message goes after so many
// receptions, and returns their URLs.
func (a *All) Queue(t testing.TB, tries int) (queue, failures string) {
	t.Helper()
	failures = a.queue(t, nil)
	out, err := a.SQS().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &failures, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatalf("describe a queue: %v", err)
	}
	return a.queue(t, map[string]string{
		string(types.QueueAttributeNameRedrivePolicy): fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`,
			out.Attributes[string(types.QueueAttributeNameQueueArn)], tries),
	}), failures
}

func (a *All) queue(t testing.TB, attributes map[string]string) string {
	t.Helper()
	client := a.SQS()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: sdk.String(name()), Attributes: attributes})
	if err != nil {
		t.Fatalf("create a queue: %v", err)
	}
	cleanup(t, "queue", func(ctx context.Context) error {
		_, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		return err
	})
	return *out.QueueUrl
}
