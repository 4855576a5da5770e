package aws

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/queue"
)

// Queue is queue.Queue on an SQS queue whose redrive policy names a failure queue
// and the number of tries. Delays and timeouts are rounded up to seconds.
type Queue struct {
	client        *sqs.Client
	url, failures string
}

// NewQueue opens the queue with this URL and the failure queue that belongs to it.
func NewQueue(client *sqs.Client, url, failures string) *Queue {
	return &Queue{client: client, url: url, failures: failures}
}

// BytesAttribute is the message attribute that holds a body which SQS would refuse
// as text. The message's own body is then of no meaning.
const BytesAttribute = "bytes"

// batch is how many messages SQS hands out at once.
const batch = 10

// Send implements queue.Queue.
func (q *Queue) Send(ctx context.Context, body []byte, delay time.Duration) (string, error) {
	switch {
	case len(body) > queue.MaxBody:
		return "", fault.New(fault.TooLarge, "queue_body_large", "a message holds at most %d bytes", queue.MaxBody)
	case delay > queue.MaxDelay:
		return "", invalid("queue_delay_long", "a message can wait at most %s", queue.MaxDelay)
	case len(body) == 0:
		return "", invalid("queue_body_empty", "a message has a body")
	}
	text, attributes := encodeMessage(body)
	out, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: text, MessageAttributes: attributes, DelaySeconds: wholeSeconds(delay),
	})
	if err != nil {
		return "", translate("queue", err)
	}
	return sdk.ToString(out.MessageId), nil
}

// Receive implements queue.Queue. It waits at most 20 seconds.
func (q *Queue) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	return q.receive(ctx, q.url, limit, wholeSeconds(visibility), min(wholeSeconds(wait), 20))
}

func (q *Queue) receive(ctx context.Context, url string, limit int, visibility, wait int32) ([]queue.Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: int32(max(1, min(limit, batch))), VisibilityTimeout: visibility, WaitTimeSeconds: wait, // #nosec G115 -- at most batch
		MessageAttributeNames:       []string{BytesAttribute},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, translate("queue", err)
	}
	messages := make([]queue.Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = decodeMessage(m)
	}
	return messages, nil
}

// Ack implements queue.Queue.
func (q *Queue) Ack(ctx context.Context, receipt string) error {
	return q.remove(ctx, q.url, receipt)
}

func (q *Queue) remove(ctx context.Context, url, receipt string) error {
	_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &receipt})
	return translate("queue", err)
}

// Extend implements queue.Queue.
func (q *Queue) Extend(ctx context.Context, receipt string, visibility time.Duration) error {
	return q.hide(ctx, q.url, receipt, wholeSeconds(visibility))
}

func (q *Queue) hide(ctx context.Context, url, receipt string, visibility int32) error {
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: &receipt, VisibilityTimeout: visibility,
	})
	return translate("queue", err)
}

// peek is how long, in seconds, a look at the failure queue hides what it has seen,
// lest it see it twice; moving one batch takes no longer.
const peek = 30

// Failed implements queue.Queue. Two calls at the same time may each see a part.
func (q *Queue) Failed(ctx context.Context, limit int) ([]queue.Message, error) {
	var seen []queue.Message
	var failure error
	for len(seen) < limit && failure == nil {
		var found []queue.Message
		found, failure = q.receive(ctx, q.failures, limit-len(seen), peek, 1)
		if len(found) == 0 {
			break
		}
		seen = append(seen, found...)
	}
	for i, m := range seen {
		if err := q.hide(ctx, q.failures, m.Receipt, 0); err != nil && failure == nil {
			failure = err
		}
		seen[i].Receipt = ""
	}
	return seen, failure
}

// Redrive implements queue.Queue. A crash between sending a message and removing
// it from the failure queue leaves it in both: it is then done twice.
func (q *Queue) Redrive(ctx context.Context) (int, error) {
	for moved := 0; ; {
		found, err := q.receive(ctx, q.failures, batch, peek, 1)
		if err != nil || len(found) == 0 {
			return moved, err
		}
		for _, m := range found {
			if _, err := q.Send(ctx, m.Body, 0); err != nil {
				return moved, err
			}
			if err := q.remove(ctx, q.failures, m.Receipt); err != nil {
				return moved, err
			}
			moved++
		}
	}
}

func wholeSeconds(d time.Duration) int32 {
	return int32(max(0, d+time.Second-1) / time.Second) // #nosec G115 -- seconds: 68 years fit
}

func encodeMessage(body []byte) (*string, map[string]types.MessageAttributeValue) {
	if isMessageText(body) {
		return sdk.String(string(body)), nil
	}
	return sdk.String("-"), map[string]types.MessageAttributeValue{
		BytesAttribute: {DataType: sdk.String("Binary"), BinaryValue: body},
	}
}

func decodeMessage(m types.Message) queue.Message {
	body := []byte(sdk.ToString(m.Body))
	if attribute, ok := m.MessageAttributes[BytesAttribute]; ok {
		body = attribute.BinaryValue
	}
	tries, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	return queue.Message{ID: sdk.ToString(m.MessageId), Body: body, Tries: tries, Receipt: sdk.ToString(m.ReceiptHandle)}
}

// isMessageText reports whether SQS takes a body as it is: the characters of XML 1.0.
func isMessageText(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	for _, r := range string(body) {
		control := r < ' ' && r != '\t' && r != '\n' && r != '\r'
		if control || r == '\ufffe' || r == '\uffff' {
			return false
		}
	}
	return true
}
