package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tarnhq/tarn/functions/redrive"
	"github.com/tarnhq/tarn/functions/sweeper"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/tests/oracle"
)

// call sends a request with a credential and returns the status, headers and body.
func (s *stage) call(t testing.TB, credential, method, path, body string) (int, http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+credential)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, text
}

// must is call by the owner where one status is expected.
func (s *stage) must(t testing.TB, status int, method, path, body string) []byte {
	t.Helper()
	got, _, text := s.call(t, s.Key, method, path, body)
	if got != status {
		t.Fatalf("%s %s answered %d, not %d: %.1000s", method, path, got, status, text)
	}
	return text
}

func (s *stage) create(t testing.TB, dataset string) {
	t.Helper()
	s.must(t, http.StatusCreated, http.MethodPost, "/v1/datasets", fmt.Sprintf(`{"name":%q,"kind":"events"}`, dataset))
}

// totals are those of a ledger.
type totals struct{ Accepted, Stored, Duplicate, Pending, Visible int64 }

func (s *stage) ledger(t *testing.T, dataset string) (v totals) {
	t.Helper()
	if err := json.Unmarshal(s.must(t, http.StatusOK, http.MethodGet, "/v1/datasets/"+dataset+"/ledger", ""), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// await reads the ledger until it is as wanted, for a minute.
func (s *stage) await(t *testing.T, dataset string, reached func(totals) bool) totals {
	t.Helper()
	for ends := time.Now().Add(time.Minute); ; pause(t.Context(), 50*time.Millisecond) {
		v := s.ledger(t, dataset)
		if reached(v) {
			return v
		}
		if time.Now().After(ends) {
			t.Fatalf("after a minute the ledger is %+v", v)
		}
	}
}

// batch is the JSON of n events with ids that begin with this.
func batch(prefix string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"event_id":"%s-%d","event":"seen","time":"2026-01-%02dT00:00:00Z"}`, prefix, i, i%28+1)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// sendUntilAcknowledged repeats a batch as a sender does.
func (s *stage) sendUntilAcknowledged(t *testing.T, dataset, events string) (tries int) {
	t.Helper()
	for {
		tries++
		status, _, text := s.call(t, s.Key, http.MethodPost, "/v1/datasets/"+dataset+"/events", events)
		switch {
		case status == http.StatusOK:
			return tries
		case status < http.StatusInternalServerError || tries > 50:
			t.Fatalf("answered %d %s", status, text)
		}
	}
}

func TestKilledProcessesAndAReshardingChangeNoNumber(t *testing.T) {
	s := deploy(t)
	ingestor, ingest := s.functions["ingestor"], s.functions["ingest"]
	var batches atomic.Int64
	s.consume(t, func(ctx context.Context, payload []byte) ([]byte, error) {
		if batches.Add(1)%3 == 0 {
			time.AfterFunc(time.Duration(5+rand.N(60))*time.Millisecond, ingestor.Kill)
		}
		return ingestor.Invoke(ctx, payload)
	})
	const dataset, requests, each = "killed", 60, 20
	s.create(t, dataset)
	tries := 0
	for i := range requests {
		switch {
		case i == requests/3:
			s.split(t)
		case i%7 == 6:
			time.AfterFunc(time.Duration(rand.N(40))*time.Millisecond, ingest.Kill)
		}
		tries += s.sendUntilAcknowledged(t, dataset, batch(strconv.Itoa(i), each))
	}
	v := s.await(t, dataset, func(v totals) bool { return v.Pending == 0 && v.Stored >= requests*each })
	if v.Stored != requests*each || v.Visible != v.Stored || v.Accepted != v.Stored+v.Duplicate {
		t.Errorf("%d events were sent in %d requests, and the ledger is %+v", requests*each, tries, v)
	}
	s.sweep(t) // of what the killed left behind, nothing is old enough
	var answer struct{ Rows [][]float64 }
	text := s.must(t, http.StatusOK, http.MethodPost, "/v1/query",
		`{"dataset":"killed","measures":["count",{"op":"count_distinct","column":"event_id"}]}`)
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Rows) != 1 || answer.Rows[0][0] != requests*each || answer.Rows[0][1] != requests*each {
		t.Errorf("a query counts %s", text)
	}
	t.Logf("%d requests for %d batches; ingest started %d times, the ingestor %d, %d deliveries failed: %+v",
		tries, requests, ingest.Starts(), ingestor.Starts(), s.redelivered.Load(), v)
	if ingest.Starts() < 3 || ingestor.Starts() < 3 {
		t.Errorf("nothing was killed: ingest started %d times, the ingestor %d", ingest.Starts(), ingestor.Starts())
	}
}

// sweep runs the sweeper as the clock does.
func (s *stage) sweep(t *testing.T) {
	t.Helper()
	answer, err := s.functions[route.Sweep.Function].Invoke(t.Context(), []byte(`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`))
	var report sweeper.Report
	if err != nil || json.Unmarshal(answer, &report) != nil || report.Failed > 0 || report.Live != 1 || report.Files > 0 {
		t.Errorf("the sweeper reports %s, %v", answer, err)
	}
}

// split divides the stream's first shard in two.
func (s *stage) split(t *testing.T) {
	t.Helper()
	client := s.services.Kinesis()
	out, err := client.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: &s.stream})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: &s.stream, ShardToSplit: out.Shards[0].ShardId,
		NewStartingHashKey: sdk.String("85070591730234615865843651857942052864")}) // a quarter of all: the border of a bucket
	if err != nil {
		t.Fatal(err)
	}
	if err := s.services.AwaitStream(t.Context(), s.stream); err != nil {
		t.Fatal(err)
	}
}

// TestWhatGoesWrongIsTold has its claims share a stage. The first one comes before
// there is an event source.
func TestWhatGoesWrongIsTold(t *testing.T) {
	s := deploy(t)
	t.Run("what was acknowledged is counted when the process ends, so that a loss would show", s.countsAtTheEnd)
	s.consume(t, s.functions["ingestor"].Invoke)
	t.Run("what is late is pending until it has been folded in", func(t *testing.T) {
		v := s.await(t, "late", func(v totals) bool { return v.Pending == 0 })
		if v != (totals{Accepted: 3, Stored: 3, Visible: 3}) {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a record that nobody can read is kept, and the next ones are folded", s.passesOverPoison)
	t.Run("a failed batch that is put back on the stream counts once", s.redrives)
	t.Run("a person's token is as good as their group, and one with a changed letter is nobody's", s.admitsPeople)
	t.Run("a service that cannot be reached is 503 with Retry-After", s.tellsUnavailable)
	t.Run("a path of any letters reaches its function", s.routesAnyPath)
	t.Run("an event that is larger than Lambda takes is refused", func(t *testing.T) {
		if status, _, text := s.call(t, s.Key, http.MethodPost, "/v1/datasets/late/events", strings.Repeat(" ", maxPayload)+"[]"); status != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d %s", status, text)
		}
	})
}

func (s *stage) countsAtTheEnd(t *testing.T) {
	s.create(t, "late")
	s.sendUntilAcknowledged(t, "late", batch("l", 3))
	s.functions["ingest"].Stop()
	if v := s.ledger(t, "late"); v != (totals{Accepted: 3, Pending: 3}) {
		t.Errorf("after the process ended the ledger is %+v", v)
	}
	var fate struct{ Fate string }
	text := s.must(t, http.StatusOK, http.MethodGet, "/v1/datasets/late/events?id=l-1", "")
	if err := json.Unmarshal(text, &fate); err != nil || fate.Fate != "pending" {
		t.Errorf("an event on the stream is %s", text)
	}
}

func (s *stage) passesOverPoison(t *testing.T) {
	const poison = "no envelope"
	_, err := s.services.Kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &s.stream, PartitionKey: sdk.String("x"), Data: []byte(poison)})
	if err != nil {
		t.Fatal(err)
	}
	s.create(t, "after_poison")
	s.sendUntilAcknowledged(t, "after_poison", batch("p", 50)) // on every shard
	s.await(t, "after_poison", func(v totals) bool { return v.Stored == 50 })
	blobs := aws.NewBlob(s.services.S3(), s.segments)
	page, err := blobs.List(t.Context(), "poison/", "", 10)
	if err != nil || len(page.Blobs) != 1 || page.Blobs[0].Size != int64(len(poison)) {
		t.Errorf("kept are %v, %v", page.Blobs, err)
	}
}

// redrives gives the function a batch as Lambda leaves it, of records that have been
// folded in: the worst time to put them back.
func (s *stage) redrives(t *testing.T) {
	s.create(t, "redriven")
	s.sendUntilAcknowledged(t, "redriven", batch("r", 40))
	before := s.await(t, "redriven", func(v totals) bool { return v.Stored == 40 })
	records := 0
	for shard, all := range s.records(t) {
		payload := string(payloadOf(s.stream, shard, all))
		text, err := json.Marshal(map[string]any{"version": "1.0", "payload": payload, "KinesisBatchInfo": map[string]any{"shardId": shard, "batchSize": len(all)}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.services.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.failures, Key: sdk.String("aws/lambda/source/" + shard + "/failed"), Body: bytes.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		records += len(all)
	}
	answer, err := s.functions["redrive"].Invoke(t.Context(), []byte(`{}`))
	var report redrive.Report
	if err != nil || json.Unmarshal(answer, &report) != nil || report.Records != records || report.Batches != shards || report.More {
		t.Fatalf("the report on %d records is %s, %v", records, answer, err)
	}
	s.sendUntilAcknowledged(t, "redriven", batch("after", 40)) // behind the others, on every shard
	after := s.await(t, "redriven", func(v totals) bool { return v.Stored == 80 })
	if after.Duplicate != before.Duplicate || after.Pending != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// records reads the whole stream.
func (s *stage) records(t *testing.T) map[string][]types.Record {
	t.Helper()
	all := map[string][]types.Record{}
	src := source{client: s.services.Kinesis(), stream: s.stream}
	for _, shard := range src.shards(t.Context()) {
		out, err := src.client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: src.iterator(t.Context(), *shard.ShardId, "")})
		if err != nil {
			t.Fatal(err)
		}
		all[*shard.ShardId] = out.Records
	}
	return all
}

func (s *stage) admitsPeople(t *testing.T) {
	if oracle.Real() {
		t.Skip("a pool that people sign in to in a browser hands out no token here")
	}
	const email, password = "ann@example.com", "Correct-horse-7"
	people := aws.NewDirectory(s.services.Cognito(), s.pool.ID, s.pool.App, s.pool.Domain)
	if _, err := people.Create(t.Context(), email, password, []string{"analyst"}); err != nil {
		t.Fatal(err)
	}
	signedIn, err := s.services.Cognito().AdminInitiateAuth(t.Context(), &cognito.AdminInitiateAuthInput{
		UserPoolId: &s.pool.ID, ClientId: &s.pool.App, AuthFlow: cognitotypes.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password}})
	if err != nil {
		t.Fatal(err)
	}
	token := *signedIn.AuthenticationResult.AccessToken
	status, _, text := s.call(t, token, http.MethodGet, "/v1/me", "")
	var self struct{ ID, Role string }
	if err := json.Unmarshal(text, &self); status != http.StatusOK || err != nil || self.Role != "analyst" || !strings.HasPrefix(self.ID, "user:") {
		t.Errorf("%d %s", status, text)
	}
	for what, c := range map[string]struct {
		token, method, path string
		want                int
	}{
		"reads":               {token, http.MethodGet, "/v1/datasets", http.StatusOK},
		"makes no dataset":    {token, http.MethodPost, "/v1/datasets", http.StatusForbidden},
		"sends no events":     {token, http.MethodPost, "/v1/datasets/late/events", http.StatusForbidden},
		"a wrong signature":   {forged(token), http.MethodGet, "/v1/datasets", http.StatusUnauthorized},
		"the same, to ingest": {forged(token), http.MethodPost, "/v1/datasets/late/events", http.StatusUnauthorized},
	} {
		if status, _, text := s.call(t, c.token, c.method, c.path, `{"name":"x","kind":"events"}`); status != c.want {
			t.Errorf("%s: answered %d %s", what, status, text)
		}
	}
}

// forged changes a letter in the middle of a token's signature.
func forged(token string) string {
	b := []byte(token)
	at := len(b) - 20
	b[at] = 'A' + (b[at]+1)%26
	return string(b)
}

func (s *stage) tellsUnavailable(t *testing.T) {
	for _, c := range []struct{ function, service, method, path string }{
		{"datasets", "DYNAMODB", http.MethodGet, "/v1/datasets/late"},
		{"ingest", "KINESIS", http.MethodPost, "/v1/datasets/late/events"},
	} {
		t.Run(c.service, func(t *testing.T) {
			t.Parallel() // each waits for as long as the function is patient
			healthy := s.functions[c.function]
			cut := &Function{Name: c.function, Timeout: healthy.Timeout, program: healthy.program,
				env: append(healthy.env[:len(healthy.env):len(healthy.env)], "AWS_ENDPOINT_URL_"+c.service+"=http://127.0.0.1:1")}
			t.Cleanup(cut.Stop)
			behind := &stage{Target: s.Target, functions: map[string]*Function{c.function: cut, "authorizer": s.functions["authorizer"]}}
			behind.open(t)
			status, header, text := behind.call(t, s.Key, c.method, c.path, batch("u", 1))
			if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !json.Valid(text) {
				t.Errorf("answered %d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
			}
		})
	}
}

func (s *stage) routesAnyPath(t *testing.T) {
	for _, name := range []string{"100%25", "a%3Fb", "a%23b", "a%20b", "%C3%BC"} {
		status, _, text := s.call(t, s.Key, http.MethodGet, "/v1/datasets/"+name, "")
		if status != http.StatusBadRequest || !bytes.Contains(text, []byte("bad_dataset_name")) {
			t.Errorf("%s: answered %d %s", name, status, text)
		}
	}
}
