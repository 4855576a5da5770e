package lambda

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

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
	stream    string
	functions map[string]*Function
	failed    atomic.Int64 // batches that the event source had to deliver again
}

const shards = 2

// deploy starts everything. It ends with the test.
func deploy(t *testing.T) *stage {
	t.Helper()
	services := oracle.Start(t, oracle.DynamoDB, oracle.S3, oracle.Kinesis, oracle.Cognito)
	s := &stage{services: services, pool: services.UserPool(t, "http://127.0.0.1:8080/"), stream: services.Stream(t, shards), functions: map[string]*Function{}}
	table, folder := services.Table(t), t.TempDir()
	settings := map[config.Var]string{
		config.Table: table, config.Bucket: services.Bucket(t), config.Failures: services.Bucket(t), config.Stream: s.stream,
		config.Buckets: "16", config.UserPool: s.pool.ID, config.Client: s.pool.App, config.Domain: s.pool.Domain, config.Scratch: t.TempDir(),
	}
	for _, f := range route.Functions {
		s.functions[f.Name] = NewFunction(t, f.Name, build(t, f, folder), services, settings)
	}
	server := httptest.NewServer(NewGateway(s.invoke))
	t.Cleanup(server.Close)
	s.Target = scenario.Target{URL: server.URL, Key: s.owner(t, table)}
	s.consume(t)
	return s
}

func (s *stage) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return s.functions[function].Invoke(ctx, payload)
}

// owner makes the first key, as an operator does after a deploy.
func (s *stage) owner(t *testing.T, table string) string {
	t.Helper()
	keys := access.Keys{Table: aws.NewTable(s.services.DynamoDB(), table), Random: rand.Reader, Now: time.Now}
	_, secret, err := keys.Create(t.Context(), access.DefaultTenant, access.KeySpec{Name: "operator", Role: access.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// consume drives the ingestor with the stream until the test ends, with a short
// window so that the test need not wait for the one of a stage.
func (s *stage) consume(t *testing.T) {
	c := route.Consumers[0]
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		source{
			client: s.services.Kinesis(), stream: s.stream, batch: c.BatchRecords, window: 100 * time.Millisecond,
			invoke: s.functions[c.Function].Invoke, again: func() { s.failed.Add(1) },
		}.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func TestTheBuiltFunctionsAnswerTheWholeContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds every function and starts four emulators")
	}
	s := deploy(t)
	scenario.Run(t, s.Target)
	if n := s.failed.Load(); n > 0 {
		t.Errorf("%d batches had to be delivered again, though nothing was wrong", n)
	}
	for name, f := range s.functions {
		if name != "redrive" && f.Starts() != 1 {
			t.Errorf("the function %s was started %d times", name, f.Starts())
		}
	}
}
