package lambda

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/tests/oracle"
	"github.com/tarnhq/tarn/tests/scenario"
)

// stage is a deployed stage: the services, the functions, the gateway before them
// and the event source behind them.
type stage struct {
	scenario.Target
	services  *oracle.All
	pool      oracle.UserPool
	functions map[string]*Function

	table, segments, failures, drops, stream string
	hints, unworked                          string // URLs of queues
	settings                                 map[config.Var]string

	redelivered atomic.Int64 // batches that the event source had to deliver again
}

const (
	shards = 2
	window = 100 * time.Millisecond // for which a batch gathers; a stage's is longer
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "tarn-functions-")
	if err != nil {
		panic(err)
	}
	programs.folder = folder
	code := m.Run()
	if err := os.RemoveAll(folder); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// deploy starts everything but the event source. It ends with the test.
func deploy(t testing.TB) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds every function and starts four emulators")
	}
	buildAll(t)
	services := oracle.Start(t, oracle.DynamoDB, oracle.S3, oracle.Kinesis, oracle.Cognito, oracle.SQS)
	s := &stage{services: services, pool: services.UserPool(t, "http://127.0.0.1:8080/"), stream: services.Stream(t, shards), functions: map[string]*Function{}}
	s.hints, s.unworked = services.Queue(t, route.Work.Tries)
	s.table, s.segments, s.failures = services.Table(t), services.Bucket(t), services.Bucket(t)
	s.drops = services.VersionedBucket(t)
	s.settings = map[config.Var]string{
		config.Table: s.table, config.Bucket: s.segments, config.Failures: s.failures, config.Stream: s.stream,
		config.Buckets: "16", config.Database: "tarn", config.Workgroup: "tarn", config.ScanBytes: "0", config.UserPool: s.pool.ID, config.Client: s.pool.App, config.Domain: s.pool.Domain, config.Secrets: "tarn/test/", config.Scratch: t.TempDir(),
		config.Queue: s.hints, config.Unworked: s.unworked, config.Copies: services.Bucket(t), config.Drops: s.drops,
		config.AlarmGroup: "tarn", config.AlarmFunction: "arn:aws:lambda:us-east-1:1:function:f", config.AlarmRole: "arn:aws:iam::1:role/r",
	}
	for _, f := range route.Functions {
		env := guarded(t, f, environment(f.Name, services, s.settings), s.failures, s.drops)
		s.functions[f.Name] = NewFunction(t, f.Name, build(t, f), env)
	}
	s.functions["redrive"].Timeout = 10 * time.Minute // it begins no batch in its last half minute
	s.open(t)
	s.Key = s.owner(t)
	return s
}

// open puts a gateway before the functions.
func (s *stage) open(t testing.TB) {
	server := httptest.NewServer(NewGateway(s.invoke))
	t.Cleanup(server.Close)
	s.URL = server.URL
}

func (s *stage) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return s.functions[function].Invoke(ctx, payload)
}

// owner makes the first key, as an operator does after a deploy.
func (s *stage) owner(t testing.TB) string {
	t.Helper()
	keys := access.Keys{Table: aws.NewTable(s.services.DynamoDB(), s.table), Random: rand.Reader, Now: time.Now}
	_, secret, err := keys.Create(t.Context(), access.DefaultTenant, access.KeySpec{Name: "operator", Role: access.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// consume drives the ingestor with the stream until the test ends.
func (s *stage) consume(t testing.TB, invoke func(context.Context, []byte) ([]byte, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		source{
			client: s.services.Kinesis(), stream: s.stream, batch: route.Consumers[0].BatchRecords, window: window,
			invoke: invoke, again: func() { s.redelivered.Add(1) },
		}.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func TestTheBuiltFunctionsAnswerTheWholeContract(t *testing.T) {
	s := deploy(t)
	s.consume(t, s.functions["ingestor"].Invoke)
	scenario.Run(t, s.Target)
	s.describesItself(t)
	if n := s.redelivered.Load(); n > 0 {
		t.Errorf("%d batches had to be delivered again, though nothing was wrong", n)
	}
	for name, f := range s.functions {
		if f.Starts() > 1 {
			t.Errorf("the function %s was started %d times", name, f.Starts())
		}
	}
}

// describesItself holds the document that the functions serve to the one in the
// repository, which the server of one machine writes.
func (s *stage) describesItself(t *testing.T) {
	t.Helper()
	want, err := os.ReadFile(root + "/console/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	got := s.must(t, http.StatusOK, http.MethodGet, "/openapi.json", "")
	if diff := cmp.Diff(strings.TrimSpace(string(want)), strings.TrimSpace(string(got))); diff != "" {
		t.Errorf("the API differs from console/openapi.json (make generate writes it), -want +got:\n%s", diff)
	}
}
