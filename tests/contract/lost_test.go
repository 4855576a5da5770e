package contract

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/oracle"
)

// line is a connection to a service that cuts the next answers off: the service
// has done what it was asked, and the caller does not hear of it.
type line struct {
	url string
	cut atomic.Int32 // answers yet to be lost
}

func lossy(t *testing.T, endpoint *string) *line {
	t.Helper()
	if endpoint == nil {
		t.Skip("an account is reached over TLS, which this test cannot cut in the middle")
	}
	target, err := url.Parse(*endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: func(*http.Response) error {
			if l.cut.Add(-1) >= 0 {
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

// lose makes the answers of the next n requests get lost.
func (l *line) lose(n int32) { l.cut.Store(n) }

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("error %v, want Unavailable", err)
	}
}

func commitLost(t *testing.T, services *oracle.All) {
	options := services.DynamoDB().Options()
	l := lossy(t, options.BaseEndpoint)
	options.BaseEndpoint = &l.url
	tbl := aws.NewTable(dynamodb.New(options), services.Table(t))
	here, there := table.Key{Partition: "p", Sort: "here"}, table.Key{Partition: "p", Sort: "there"}
	once := map[string]int64{"n": 1}
	holds := func(key table.Key, want int64) {
		t.Helper()
		if item, err := tbl.Get(t.Context(), key); err != nil || item.Counters["n"] != want {
			t.Errorf("%s is %d, %v, want %d", key.Sort, item.Counters["n"], err, want)
		}
	}

	l.lose(2)
	if err := tbl.Commit(t.Context(), table.Add(here, once, time.Time{}), table.Add(there, once, time.Time{})); err != nil {
		t.Errorf("a transaction: %v, want it repeated with its token", err)
	}
	holds(here, 1)
	holds(there, 1)

	l.lose(1)
	wantUnavailable(t, tbl.Commit(t.Context(), table.Add(here, once, time.Time{})))
	holds(here, 2)

	l.lose(1)
	claim := table.Put(table.Item{Key: table.Key{Partition: "p", Sort: "claim"}, Counters: once}).If(table.Absent)
	wantUnavailable(t, tbl.Commit(t.Context(), claim))
	holds(claim.Item.Key, 1)
}

func blobLost(t *testing.T, services *oracle.All) {
	options := services.S3().Options()
	l := lossy(t, options.BaseEndpoint)
	options.BaseEndpoint = &l.url
	store := aws.NewBlob(s3.New(options), services.Bucket(t))

	l.lose(1)
	wantUnavailable(t, store.Put(t.Context(), "k", []byte("body")))
	if info, err := store.Stat(t.Context(), "k"); err != nil || info.Size != 4 {
		t.Errorf("Stat = %+v, %v", info, err)
	}
}

func recordLost(t *testing.T, services *oracle.All) {
	options := services.Kinesis().Options()
	l := lossy(t, options.BaseEndpoint)
	options.BaseEndpoint = &l.url
	log := aws.NewStream(kinesis.New(options), services.Stream(t, 1))

	l.lose(1)
	_, err := log.Put(t.Context(), []stream.Entry{{Data: []byte("a")}})
	wantUnavailable(t, err)
	shards, err := log.Shards(t.Context())
	if err != nil || len(shards) != 1 {
		t.Fatalf("shards %v, %v", shards, err)
	}
	records, _, err := log.Read(t.Context(), shards[0].ID, "", 10, time.Second)
	if err != nil || len(records) != 1 {
		t.Errorf("%d records, %v, want 1", len(records), err)
	}
}
