package feed

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAListOfFeedsIsReadAsItIsWritten(t *testing.T) {
	got, err := Parse([]byte(`[
		{"name": "clicks", "kind": "kinesis", "arn": "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks", "from": "now"},
		{"name": "orders", "kind": "msk", "arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6-d29a-4430-a7db-958a19fd2c54-4", "topic": "orders", "login": "scram-sha-512"},
		{"name": "calls", "kind": "kafka", "servers": ["b-1.example.com:9092", "[::1]:9092"], "topic": "calls.v1", "format": "segment", "plain": true}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Feed{
		{Name: "clicks", Kind: Kinesis, ARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks", From: Now},
		{Name: "orders", Kind: MSK, ARN: "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6-d29a-4430-a7db-958a19fd2c54-4", Topic: "orders", Login: SCRAM512},
		{Name: "calls", Kind: Kafka, Servers: []string{"b-1.example.com:9092", "[::1]:9092"}, Topic: "calls.v1", Format: Segment, Plain: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAListOfFeedsThatIsWrongSaysWhere(t *testing.T) {
	const (
		stream  = `"arn": "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"`
		cluster = `"arn": "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6"`
	)
	for list, want := range map[string]string{
		`{}`: "feeds: ",
		`[{"name": "a", "kind": "kinesis", "arm": ""}]`:                                                        "arm",
		`[{"name": "A", "kind": "kinesis", ` + stream + `}]`:                                                   "name:",
		`[{"name": "a/b", "kind": "kinesis", ` + stream + `}]`:                                                 "name:",
		`[{"name": "a", "kind": "kafka9"}]`:                                                                    "kind:",
		`[{"name": "a", "kind": "kinesis", "format": "avro", ` + stream + `}]`:                                 "format:",
		`[{"name": "a", "kind": "kinesis", "from": "then", ` + stream + `}]`:                                   "from:",
		`[{"name": "a", "kind": "kinesis"}]`:                                                                   "arn:",
		`[{"name": "a", "kind": "kinesis", ` + cluster + `}]`:                                                  "arn:",
		`[{"name": "a", "kind": "kinesis", "topic": "t", ` + stream + `}]`:                                     "Kafka's",
		`[{"name": "a", "kind": "msk", "topic": "t", ` + stream + `}]`:                                         "arn:",
		`[{"name": "a", "kind": "msk", ` + cluster + `}]`:                                                      "topic:",
		`[{"name": "a", "kind": "msk", "topic": "t", "plain": true, ` + cluster + `}]`:                         "plain",
		`[{"name": "a", "kind": "msk", "topic": "t", "login": "plain", ` + cluster + `}]`:                      "login:",
		`[{"name": "a", "kind": "kafka", "topic": "t"}]`:                                                       "servers:",
		`[{"name": "a", "kind": "kafka", "topic": "t", "servers": ["b"]}]`:                                     `"b"`,
		`[{"name": "a", "kind": "kafka", "topic": "t", "servers": ["b:1"], "login": "oauth"}]`:                 "login:",
		`[{"name": "a", "kind": "kafka", "topic": "t", "servers": ["b:1"], ` + cluster + `}]`:                  "arn:",
		`[{"name": "a", "kind": "kinesis", ` + stream + `}, {"name": "a", "kind": "kinesis", ` + stream + `}]`: "two feeds",
	} {
		if _, err := Parse([]byte(list)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", list, err, want)
		}
	}
}
