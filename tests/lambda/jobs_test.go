package lambda

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// hint hands the worker what is in the queue of hints, as an event source does, and
// reports whether there was something.
func (s *stage) hint(t *testing.T) bool {
	t.Helper()
	client := s.services.SQS()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.hints, MaxNumberOfMessages: 10, VisibilityTimeout: 60, WaitTimeSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) == 0 {
		return false
	}
	records := make([]map[string]any, len(out.Messages))
	for i, m := range out.Messages {
		records[i] = map[string]any{"messageId": sdk.ToString(m.MessageId), "receiptHandle": sdk.ToString(m.ReceiptHandle), "body": sdk.ToString(m.Body), "eventSource": "aws:sqs"}
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.functions["worker"].Invoke(t.Context(), payload); err != nil {
		return true // the messages come back
	}
	for _, m := range out.Messages {
		if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &s.hints, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// TestAnExportIsDoneByTheBuiltWorker orders one over HTTP, has the event source and the
// clock drive the worker, and fetches the file from the URL that the job tells.
func TestAnExportIsDoneByTheBuiltWorker(t *testing.T) {
	s := deploy(t)
	s.functions["worker"].Timeout = time.Minute
	s.consume(t, s.functions["ingestor"].Invoke)
	const events = 300
	s.create(t, "web")
	s.must(t, http.StatusOK, http.MethodPost, "/v1/datasets/web/events", batch("e", events))
	s.await(t, "web", func(v totals) bool { return v.Visible == events })

	for n, format := range []string{"csv", "parquet"} {
		var made struct {
			ID string `json:"job_id"`
		}
		answer := s.must(t, http.StatusAccepted, http.MethodPost, "/v1/exports", fmt.Sprintf(`{"dataset":"web","columns":["event_id","time"],"format":%q}`, format))
		if err := json.Unmarshal(answer, &made); err != nil {
			t.Fatal(err)
		}
		if n == 0 && !s.hint(t) {
			t.Error("no hint is in the queue")
		}
		if n == 1 { // the hint is lost, and the clock makes up for it
			if _, err := s.functions["worker"].Invoke(t.Context(), []byte(`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`)); err != nil {
				t.Fatal(err)
			}
		}
		var job struct {
			State  string
			Result struct {
				URL  string
				Rows int
			}
		}
		text := s.must(t, http.StatusOK, http.MethodGet, "/v1/jobs/"+made.ID, "")
		if err := json.Unmarshal(text, &job); err != nil || job.State != "done" || job.Result.Rows != events {
			t.Fatalf("%v: %s", err, text)
		}
		if file := fetch(t, job.Result.URL); format == "csv" && strings.Count(file, "\n") != events+1 || format == "parquet" && !strings.HasPrefix(file, "PAR1") {
			t.Errorf("%s: %.200s", format, file)
		}
		if events := s.must(t, http.StatusOK, http.MethodGet, "/v1/jobs/"+made.ID+"/progress", ""); strings.Count(string(events), "event: progress") != 1 {
			t.Errorf("the stream behind the gateway: %s", events)
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v %s", url, answer.StatusCode, err, body)
	}
	return string(body)
}
