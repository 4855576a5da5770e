package serve

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed"
)

var feeds = []feed.Feed{
	{Name: "clicks", Kind: feed.Kinesis, ARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"},
	{Name: "returns", Kind: feed.MSK, ARN: "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6-d29a-4430-a7db-958a19fd2c54-4", Topic: "returns"},
	{Name: "orders", Kind: feed.MSK, ARN: "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6-d29a-4430-a7db-958a19fd2c54-4", Topic: "orders"},
	{Name: "others", Kind: feed.Kafka, Servers: []string{"c-1.example.com:9092"}, Topic: "orders"},
	{Name: "ours", Kind: feed.Kafka, Servers: []string{"b-2.example.com:9092"}, Topic: "orders"},
}

func payloadOf(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../events/samples/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func feedingOf(take Take) feeding {
	return feeding{all: feeds, take: take, log: quiet(), now: func() time.Time { return time.Unix(1767323100, 0) }}
}

// given writes the records of a batch as "feed partition/place@time: data".
func given(f feed.Feed, records []feed.Record) (list []string) {
	for _, r := range records {
		at := "none"
		if r.Time != 0 {
			at = time.UnixMicro(r.Time).UTC().Format("15:04:05.000")
		}
		list = append(list, f.Name+" "+r.Partition+"/"+r.Place+"@"+at+": "+string(r.Data[:min(len(r.Data), 16)]))
	}
	return list
}

func TestABatchOfEachKindArrivesAsItWasPut(t *testing.T) {
	for name, want := range map[string][]string{
		"kinesis-feed": {
			`clicks shardId-000000000003/49590338271490256608559692538361571095921575989136588898@03:04:05.987: {"event_id":"o1"`,
			"clicks shardId-000000000003/49590338271490256608559692540925702759324208523137515618@03:04:06.100: \xf3\x89\x9a\xc2\n\x02p0\n\x02p1\n\x02p2",
		},
		"msk-batch": {
			`orders 0/15-1767323045987@03:04:05.987: {"event_id":"o1"`, `orders 0/16-1767323046100@03:04:06.100: [{"event":"order`,
			`orders 1/3-1767323046200@03:04:06.200: <order/>`, `orders 1/4-1767323046300@03:04:06.300: `,
		},
		"kafka-batch": {`ours 0/15-1767323045987@03:04:05.987: {"event_id":"o1"`, `ours 0/16@none: [{"event":"order`},
	} {
		var got []string
		answer, err := feedingOf(func(_ context.Context, f feed.Feed, records []feed.Record) (int, error) {
			got = given(f, records)
			return len(records), nil
		}).event(t.Context(), payloadOf(t, name))
		if diff := cmp.Diff(want, got); diff != "" || err != nil || answer != nil {
			t.Errorf("%s: %v, %v (-want +got):\n%s", name, answer, err, diff)
		}
	}
}

func TestWhatWasNotTakenComesAgain(t *testing.T) {
	for name, want := range map[string]string{
		"kinesis-feed": `{"batchItemFailures":[{"itemIdentifier":"49590338271490256608559692540925702759324208523137515618"}]}`,
		"msk-batch":    "", "kafka-batch": "",
	} {
		away := fault.New(fault.Unavailable, "away", "away")
		answer, err := feedingOf(func(context.Context, feed.Feed, []feed.Record) (int, error) { return 1, away }).event(t.Context(), payloadOf(t, name))
		if want == "" {
			if !errors.Is(err, away) {
				t.Errorf("%s: %v, %v", name, answer, err)
			}
			continue
		}
		text, _ := json.Marshal(answer)
		if string(text) != want || err != nil {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestABatchOfAnotherStreamFails(t *testing.T) {
	for name, change := range map[string][3]string{
		"of a stream that is no feed":      {"kinesis-feed", "stream/clicks", "stream/others"},
		"of a shard that is none":          {"kinesis-feed", "shardId-000000000003:", "shardId"},
		"of a topic that is no feed":       {"msk-batch", `"topic": "orders"`, `"topic": "nothing"`},
		"of a cluster that is no feed's":   {"msk-batch", "cluster/shop", "cluster/stop"},
		"of servers that are no feed's":    {"kafka-batch", "example.com", "example.org"},
		"with a value that is not encoded": {"msk-batch", `"value": "`, `"value": "%`},
		"that is no event":                 {"msk-batch", `"partition": 0`, `"partition": "x"`},
		"that is no JSON":                  {"kinesis-feed", "{", ""},
	} {
		text := strings.ReplaceAll(string(payloadOf(t, change[0])), change[1], change[2])
		_, err := feedingOf(func(context.Context, feed.Feed, []feed.Record) (int, error) {
			t.Errorf("%s: it is taken", name)
			return 0, nil
		}).event(t.Context(), []byte(text))
		if err == nil {
			t.Errorf("%s: the event source would go on", name)
		}
	}
}

// FuzzFeeds has events of any form taken or refused.
func FuzzFeeds(f *testing.F) {
	for _, name := range []string{"kinesis-feed", "msk-batch", "kafka-batch"} {
		text, err := os.ReadFile("../../events/samples/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _ = feedingOf(func(_ context.Context, of feed.Feed, records []feed.Record) (int, error) {
			if of.Name == "" || len(records) == 0 {
				t.Fatalf("%d records of feed %q", len(records), of.Name)
			}
			return 0, errors.New("not now")
		}).event(t.Context(), payload)
	})
}
