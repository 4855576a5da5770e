package lambda

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

// use is one thing that a function does with a service, as IAM names it.
type use struct {
	action   string
	resource string // of the table a partition, of a bucket "<bucket>/<key>"
}

// guard stands between a function and the services and lets through what the
// function table says that it needs. An emulator would let everything through, and a
// missing grant would show in an account only.
type guard struct {
	needs    []route.Need
	failures string // name of the bucket of failed batches
	drops    string // name of the bucket of dropped files
	refused  func(use)
	upstream map[string]*httputil.ReverseProxy // by service, as the SDK's endpoint variables name it
}

// guarded puts a guard before the services of a function's environment and returns
// the changed environment. What it refuses fails the test.
func guarded(t testing.TB, f route.Function, env []string, failures, drops string) []string {
	t.Helper()
	g := &guard{needs: f.Needs, failures: failures, drops: drops, upstream: map[string]*httputil.ReverseProxy{},
		refused: func(a use) { t.Errorf("the function %s is not granted %s on %s", f.Name, a.action, a.resource) }}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	const prefix = "AWS_ENDPOINT_URL_"
	env = slices.Clone(env)
	for i, setting := range env {
		name, value, _ := strings.Cut(setting, "=")
		service, isEndpoint := strings.CutPrefix(name, prefix)
		if !isEndpoint || service != "DYNAMODB" && service != "S3" && service != "KINESIS" && service != "SQS" {
			continue
		}
		if err := g.pass(service, value); err != nil {
			t.Fatal(err)
		}
		env[i] = prefix + service + "=" + server.URL
	}
	return env
}

// pass says where a service is.
func (g *guard) pass(service, address string) error {
	to, err := url.Parse(address)
	if err != nil {
		return err
	}
	g.upstream[service] = &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // which is part of what was signed
	}}
	return nil
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	service, wanted := useOf(r, body)
	for _, a := range wanted {
		if !slices.ContainsFunc(g.needs, func(n route.Need) bool { return g.allows(n, a) }) {
			g.refused(a)
			deny(w, service)
			return
		}
	}
	g.upstream[service].ServeHTTP(w, r)
}

// useOf returns the service that a request is for, and what it does there.
func useOf(r *http.Request, body []byte) (service string, wanted []use) {
	target := r.Header.Get("X-Amz-Target")
	_, operation, _ := strings.Cut(target, ".")
	switch {
	case strings.HasPrefix(target, "DynamoDB"):
		return "DYNAMODB", ofTable(operation, body)
	case strings.HasPrefix(target, "AmazonSQS"):
		return "SQS", []use{{"sqs:" + operation, ""}}
	case strings.HasPrefix(target, "Kinesis"):
		return "KINESIS", []use{{"kinesis:" + operation, ""}}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if key == "" && query.Has("versions") {
		return "S3", []use{{"s3:ListBucketVersions", bucket + "/"}}
	}
	if key == "" {
		return "S3", []use{{"s3:ListBucket", bucket + "/"}}
	}
	if query.Has("versionId") && r.Method == http.MethodDelete {
		return "S3", []use{{"s3:DeleteObjectVersion", bucket + "/" + key}}
	}
	if source, err := url.PathUnescape(r.Header.Get("X-Amz-Copy-Source")); err == nil && source != "" {
		source, _, _ = strings.Cut(source, "?versionId=")
		return "S3", []use{{"s3:GetObjectVersion", source}, {"s3:PutObject", bucket + "/" + key}}
	}
	verbs := map[string]string{http.MethodGet: "s3:GetObject", http.MethodHead: "s3:GetObject", http.MethodPut: "s3:PutObject", http.MethodDelete: "s3:DeleteObject"}
	return "S3", []use{{verbs[r.Method], bucket + "/" + key}}
}

// partition is an item or a key of DynamoDB, of which only the partition matters.
type partition map[string]struct{ S string }

func (p partition) String() string { return p[config.PartitionKey].S }

// ofTable returns what an operation does to the items of a table; a transaction
// needs what each of its parts would.
func ofTable(operation string, body []byte) (wanted []use) {
	type part struct{ Key, Item partition }
	var request struct {
		part
		KeyConditionExpression    string
		ExpressionAttributeValues partition
		TransactItems             []map[string]part
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return []use{{"dynamodb:" + operation, "what is no JSON"}}
	}
	add := func(operation string, at part) {
		wanted = append(wanted, use{"dynamodb:" + operation, at.Key.String() + at.Item.String()})
	}
	switch operation {
	case "Query":
		_, rest, _ := strings.Cut(request.KeyConditionExpression, "= ") // the partition's comes first
		value, _, _ := strings.Cut(rest, " ")
		return []use{{"dynamodb:Query", request.ExpressionAttributeValues[value].S}}
	case "TransactWriteItems":
		for _, item := range request.TransactItems {
			for verb, at := range item {
				add(verb+"Item", at)
			}
		}
	default:
		add(operation, request.part)
	}
	return wanted
}

// actions are what a need of a kind allows; infra/grants.go grants the same.
var actions = map[string][]string{
	"items:read":     {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"},
	"items:write":    {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"},
	"items:delete":   {"dynamodb:DeleteItem"},
	"objects:read":   {"s3:GetObject", "s3:ListBucket"},
	"objects:write":  {"s3:PutObject"},
	"objects:delete": {"s3:DeleteObject", "s3:ListBucket"},
	"drops:read":     {"s3:GetObjectVersion", "s3:ListBucketVersions", "s3:ListBucket"},
	"drops:write":    {"s3:PutObject"},
	"drops:delete":   {"s3:DeleteObjectVersion"},
	"stream:read":    {"kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"},
	"stream:put":     {"kinesis:PutRecords"},
	"queue:send":     {"sqs:SendMessage"},
}

// folders are where the objects of a need are: the word after t/<tenant>/d/<dataset>/,
// or the first one of what belongs to no dataset.
var folders = map[string][]string{
	"segments": {"rows", "duplicates", "quarantine", "poison"},
	"manifest": {"entry", "state"},
	"failures": {"aws"},
	"exports":  {"exports"},
	"files":    {"files"},
}

// dropFolders are where a need reaches in the bucket of dropped files.
var dropFolders = map[string]string{"read": "drop", "write": "refused", "delete": "drop"}

func folderOf(key string) string {
	words := strings.Split(key, "/")
	if words[0] == "t" && len(words) > 5 {
		return words[4]
	}
	return words[0]
}

// allows reports whether a need covers a use.
func (g *guard) allows(n route.Need, a use) bool {
	what, how, _ := strings.Cut(string(n), ":")
	switch service, _, _ := strings.Cut(a.action, ":"); service {
	case "kinesis":
		return what == "stream" && slices.Contains(actions["stream:"+how], a.action)
	case "sqs":
		return what == "queue" && slices.Contains(actions["queue:"+how], a.action)
	case "dynamodb":
		mine := strings.HasPrefix(a.resource, what+"#") || strings.HasPrefix(a.resource, what+"/")
		return mine && slices.Contains(actions["items:"+how], a.action)
	}
	bucket, key, _ := strings.Cut(a.resource, "/")
	if bucket == g.drops || what == "drops" {
		return bucket == g.drops && what == "drops" && slices.Contains(actions[string(n)], a.action) && (key == "" || dropFolders[how] == folderOf(key))
	}
	if folders[what] == nil || (bucket == g.failures) != (what == "failures") || !slices.Contains(actions["objects:"+how], a.action) {
		return false
	}
	return key == "" || slices.Contains(folders[what], folderOf(key))
}

// deny answers as the service does.
func deny(w http.ResponseWriter, service string) {
	if service == "S3" {
		w.WriteHeader(http.StatusForbidden)
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
		}{Code: "AccessDenied"})
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": "not granted"})
}
