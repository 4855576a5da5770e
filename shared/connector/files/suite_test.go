package files_test

import (
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/files"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/tests/oracle"
)

const password = "s3cret-of-the-server"

// driver may reach this machine.
func driver(t *testing.T) files.Driver {
	t.Helper()
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return files.New(outbound.Options{Allow: loopback})
}

func suite(t *testing.T, o func(*testing.T) connectortest.Origin) connectortest.Suite {
	t.Helper()
	return connectortest.Suite{Kind: files.Kind, Driver: driver(t), Guarded: files.New(outbound.Options{}), Origin: o, Cursor: files.Cursor, Files: true}
}

func TestABucketKeepsThePromisesOfAConnector(t *testing.T) {
	services := oracle.Start(t, oracle.S3)
	suite(t, func(t *testing.T) connectortest.Origin { return newBucket(t, services) }).Run(t)
}

func TestAnHTTPFolderKeepsThePromisesOfAConnector(t *testing.T) {
	suite(t, func(t *testing.T) connectortest.Origin { return newServer(t) }).Run(t)
}

// shelf is where files are put.
type shelf interface {
	put(t *testing.T, name, text string)
	dsn(password string) string
	password() string
}

// origin keeps tables as folders: a file for each Put, and the one in which a row lies is
// written anew when it changes.
type origin struct {
	shelf
	wide  map[string]int
	files map[string][][]connectortest.Item
}

func newOrigin(s shelf) origin {
	return origin{s, map[string]int{}, map[string][][]connectortest.Item{}}
}

func (o origin) DSN() secret.Value { return secret.New([]byte(o.dsn(o.password()))) }
func (o origin) WrongPassword() secret.Value {
	return secret.New([]byte(o.dsn("wrong-" + o.password())))
}
func (o origin) Password() string { return o.password() }

func (o origin) Make(t *testing.T, table string, wide int) {
	t.Helper()
	o.wide[table], o.files[table] = wide, [][]connectortest.Item{{}}
	o.write(t, table, 0)
}

// write writes a file of a table.
func (o origin) write(t *testing.T, table string, n int) {
	t.Helper()
	var text strings.Builder
	w := csv.NewWriter(&text)
	header := []string{"id", "at", "name"}
	for i := range o.wide[table] {
		header = append(header, fmt.Sprint("w", i))
	}
	records := [][]string{header}
	for _, i := range o.files[table][n] {
		record := []string{fmt.Sprint(i.ID), i.At.UTC().Format(time.RFC3339Nano), i.Name}
		for range o.wide[table] {
			record = append(record, i.Wide)
		}
		records = append(records, record)
	}
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	o.put(t, fmt.Sprintf("%s/%d.csv", table, n), text.String())
}

func (o origin) Put(t *testing.T, table string, items ...connectortest.Item) {
	t.Helper()
	var fresh []connectortest.Item
	for _, item := range items {
		n, at := o.find(table, item.ID)
		if n < 0 {
			fresh = append(fresh, item)
			continue
		}
		o.files[table][n][at] = item
		o.write(t, table, n)
	}
	o.files[table] = append(o.files[table], fresh)
	o.write(t, table, len(o.files[table])-1)
}

func (o origin) find(table string, id int64) (file, at int) {
	for n, all := range o.files[table] {
		if at := slices.IndexFunc(all, func(i connectortest.Item) bool { return i.ID == id }); at >= 0 {
			return n, at
		}
	}
	return -1, -1
}

func (o origin) Delete(t *testing.T, table string, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		n, at := o.find(table, id)
		o.files[table][n] = slices.Delete(o.files[table][n], at, at+1)
		o.write(t, table, n)
	}
}

func (o origin) Typed(t *testing.T) (table string, want []string) {
	t.Helper()
	rows := []string{
		`{"b":true,"f":1.5,"i":9007199254740993,"j":{"x":[1,"2"]},"t":"2026-01-02T03:04:05.000006Z","s":"text"}`,
		`{"b":false,"f":-0.25,"i":-1,"j":[],"t":"1969-12-31T23:59:59Z","s":"ä\"\n"}`,
		`{"s":"the rest are none"}`,
	}
	o.put(t, "typed/all.ndjson", strings.Join(rows, "\n"))
	return "typed/*.ndjson", rows
}

// bucket is a folder of a bucket.
type bucket struct {
	client     *s3.Client
	name, keys string
	secret     string
}

func newBucket(t *testing.T, services *oracle.All) origin {
	t.Helper()
	client := services.S3()
	keys, err := client.Options().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return newOrigin(bucket{client, services.Bucket(t), keys.AccessKeyID, keys.SecretAccessKey})
}

func (b bucket) password() string { return b.secret }

func (b bucket) dsn(password string) string {
	return fmt.Sprintf("s3://%s:%s@%s/in?region=%s&endpoint=%s", b.keys, password, b.name, b.client.Options().Region, sdk.ToString(b.client.Options().BaseEndpoint))
}

func (b bucket) put(t *testing.T, name, text string) {
	t.Helper()
	if _, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: sdk.String("in/" + name), Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
}

// server is a folder that a server lists, as Go's does.
type server struct {
	dir string
	url string
}

func newServer(t *testing.T) origin { return newOrigin(newShelf(t)) }

func newShelf(t *testing.T) server {
	t.Helper()
	s := server{dir: t.TempDir()}
	inner := http.FileServer(http.Dir(s.dir))
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "reader" || given != password {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if text, err := os.ReadFile(filepath.Join(s.dir, "data", strings.TrimPrefix(r.URL.Path, "/data/"))); err == nil {
			w.Header().Set("Etag", fmt.Sprintf(`"%x"`, sha256.Sum256(text)))
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	s.url = h.URL
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s server) password() string { return password }

func (s server) dsn(password string) string {
	return strings.Replace(s.url, "http://", "http://reader:"+password+"@", 1) + "/data/"
}

func (s server) put(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(s.dir, "data", name)
	if err := os.MkdirAll(path.Dir(full), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var _ connector.Driver = files.Driver{}
