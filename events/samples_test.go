package events

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

func TestSamplesAreWhatLambdaHandsOver(t *testing.T) {
	kinesis := sampleOf[events.KinesisEvent](t, "kinesis-record")
	payload, err := Open(kinesis.Records[0].Kinesis.Data)
	if err != nil {
		t.Fatal(err)
	}
	env, err := new(Decoder).Decode(payload)
	if err != nil || len(env.Events) != len(sample().Events) {
		t.Errorf("the record holds %v, %v", env, err)
	}

	request := sampleOf[events.APIGatewayV2HTTPRequest](t, "apigateway-ingest")
	if request.RequestContext.HTTP.Method != "POST" || !json.Valid([]byte(request.Body)) {
		t.Errorf("%s of %q", request.RequestContext.HTTP.Method, request.Body)
	}
	if s3 := sampleOf[events.S3Event](t, "s3-upload"); s3.Records[0].S3.Object.Key == "" {
		t.Error("the upload has no key")
	}
	if feed := sampleOf[events.KinesisEvent](t, "kinesis-feed"); feed.Records[0].EventSourceArn == "" {
		t.Error("the record is of no stream")
	}
	for _, name := range []string{"msk-batch", "kafka-batch"} {
		if kafka := sampleOf[events.KafkaEvent](t, name); kafka.Records["orders-0"][0].Topic != "orders" {
			t.Errorf("%s has no topic", name)
		}
	}
	if sqs := sampleOf[events.SQSEvent](t, "sqs-message"); sqs.Records[0].Body == "" {
		t.Error("the message has no body")
	}
}

func sampleOf[T any](t *testing.T, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal(read(t, "samples/"+name+".json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaSaysTheLimits(t *testing.T) {
	type property struct {
		MaxLength     int
		MaxProperties int
		PropertyNames struct{ MaxLength int }
	}
	var schema struct {
		Description string
		Properties  map[string]property
	}
	if err := json.Unmarshal(read(t, "event.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"event_id": MaxID, "event": MaxName, "user_id": MaxSubject, "anonymous_id": MaxSubject, "session_id": MaxSubject}
	for name, limit := range want {
		if got := schema.Properties[name].MaxLength; got != limit {
			t.Errorf("%s: %d, not %d", name, got, limit)
		}
	}
	p := schema.Properties["properties"]
	if p.MaxProperties != MaxProperties || p.PropertyNames.MaxLength != MaxName {
		t.Errorf("properties: %d of %d bytes", p.MaxProperties, p.PropertyNames.MaxLength)
	}
	if !bytes.Contains([]byte(schema.Description), []byte("32768")) || MaxEvent != 32768 {
		t.Error("the size of an event")
	}
}
