package lambda

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// TestTheGuardSeesWhatAFunctionDoes has the real clients ask for everything that the
// ports offer, of a guard that lets nothing through.
func TestTheGuardSeesWhatAFunctionDoes(t *testing.T) {
	var seen []use
	server := httptest.NewServer(&guard{refused: func(u use) { seen = append(seen, u) }})
	defer server.Close()
	config := sdk.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")}
	tbl := aws.NewTable(dynamodb.NewFromConfig(config), "t")
	blobs := aws.NewBlob(s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), "b")
	log := aws.NewStream(kinesis.NewFromConfig(config), "s")
	at := table.Key{Partition: "keys/id/1", Sort: "key"}
	other := table.Key{Partition: "ledger#main#d", Sort: "1"}
	put, remove := table.Put(table.Item{Key: at}), table.Delete(at)
	for name, c := range map[string]struct {
		do   func() error
		want use
	}{
		"get":         {func() error { _, err := tbl.Get(t.Context(), at); return err }, use{"dynamodb:GetItem", "keys/id/1"}},
		"list":        {func() error { _, err := tbl.List(t.Context(), table.Query{Partition: "catalog#main"}); return err }, use{"dynamodb:Query", "catalog#main"}},
		"put":         {func() error { return tbl.Commit(t.Context(), put) }, use{"dynamodb:PutItem", "keys/id/1"}},
		"delete":      {func() error { return tbl.Commit(t.Context(), remove) }, use{"dynamodb:DeleteItem", "keys/id/1"}},
		"add":         {func() error { return tbl.Commit(t.Context(), table.Add(at, map[string]int64{"n": 1}, time.Time{})) }, use{"dynamodb:UpdateItem", "keys/id/1"}},
		"transaction": {func() error { return tbl.Commit(t.Context(), table.Delete(other), put) }, use{"dynamodb:DeleteItem", "ledger#main#d"}},
		"check":       {func() error { return tbl.Commit(t.Context(), table.Check(other, table.Present), put) }, use{"dynamodb:ConditionCheckItem", "ledger#main#d"}},
		"store":       {func() error { return blobs.Put(t.Context(), "poison/s/1", nil) }, use{"s3:PutObject", "b/poison/s/1"}},
		"fetch":       {func() error { _, err := blobs.Get(t.Context(), "t/main/d/1/rows/x/y", 0, 1); return err }, use{"s3:GetObject", "b/t/main/d/1/rows/x/y"}},
		"drop":        {func() error { return blobs.Delete(t.Context(), "aws/lambda/1") }, use{"s3:DeleteObject", "b/aws/lambda/1"}},
		"browse":      {func() error { _, err := blobs.List(t.Context(), "poison/", "", 1); return err }, use{"s3:ListBucket", "b/"}},
		"send":        {func() error { _, err := log.Put(t.Context(), []stream.Entry{{Data: []byte("x")}}); return err }, use{"kinesis:PutRecords", ""}},
		"shards":      {func() error { _, err := log.Shards(t.Context()); return err }, use{"kinesis:ListShards", ""}},
		"read":        {func() error { _, _, err := log.Read(t.Context(), "1", "", 1, 0); return err }, use{"kinesis:GetShardIterator", ""}},
	} {
		seen = nil
		if err := c.do(); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v, want the fault of a missing grant", name, err)
		}
		if diff := cmp.Diff([]use{c.want}, seen, cmp.AllowUnexported(use{})); diff != "" {
			t.Errorf("%s, -want +got:\n%s", name, diff)
		}
	}
}

func TestANeedAllowsItsOwnAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		need route.Need
		use  use
		want bool
	}{
		{route.ReadKeys, use{"dynamodb:GetItem", "keys/id/1"}, true},
		{route.ReadKeys, use{"dynamodb:PutItem", "keys/id/1"}, false},
		{route.ReadKeys, use{"dynamodb:GetItem", "keyspace#1"}, false},
		{route.ReadKeys, use{"dynamodb:GetItem", ""}, false},
		{route.WriteManifest, use{"dynamodb:PutItem", "manifest#main#d"}, true},
		{route.WriteManifest, use{"dynamodb:DeleteItem", "manifest#main#d"}, false},
		{route.WriteManifest, use{"s3:PutObject", "b/t/main/d/1/state/7"}, true},
		{route.WriteManifest, use{"s3:PutObject", "b/t/main/d/1/rows/x/y"}, false},
		{route.ReadSegments, use{"s3:GetObject", "b/t/main/d/1/rows/x/y"}, true},
		{route.ReadSegments, use{"s3:GetObject", "f/t/main/d/1/rows/x/y"}, false},
		{route.ReadSegments, use{"s3:ListBucket", "b/"}, true},
		{route.WriteSegments, use{"s3:ListBucket", "b/"}, false},
		{route.WriteSegments, use{"s3:PutObject", "b/poison/s/1"}, true},
		{route.ReadFailures, use{"s3:GetObject", "f/aws/lambda/1"}, true},
		{route.ReadFailures, use{"s3:GetObject", "b/aws/lambda/1"}, false},
		{route.PutStream, use{"kinesis:PutRecords", ""}, true},
		{route.PutStream, use{"kinesis:GetRecords", ""}, false},
		{route.ReadStream, use{"kinesis:DeleteStream", ""}, false},
	} {
		if got := (&guard{failures: "f"}).allows(c.need, c.use); got != c.want {
			t.Errorf("%s allows %v: %v, want %v", c.need, c.use, got, c.want)
		}
	}
}

func TestTheGuardPassesOnWhatIsGranted(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer behind.Close()
	g := &guard{needs: []route.Need{route.PutStream}, refused: func(u use) { t.Errorf("refused %v", u) }, upstream: map[string]*httputil.ReverseProxy{}}
	if err := g.pass("KINESIS", behind.URL); err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
	if g.ServeHTTP(w, r); w.Code != http.StatusTeapot {
		t.Errorf("answered %d", w.Code)
	}
}
