package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tarnhq/tarn/shared/feed"
)

// eventSource polls a topic of Kafka as Lambda documents it: batches of records of several
// partitions, offsets that move once the function succeeded, whole batches again where it
// did not, and again from before where a poller was lost with what it had not committed.
type eventSource struct {
	t         *testing.T
	rng       *rand.Rand
	servers   []string
	log       map[int32][]*kgo.Record
	committed map[int32]int
}

// read reads the topic to the end.
func (s *eventSource) read(n int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.servers...), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	for n > 0 {
		fetched := client.PollFetches(s.t.Context())
		if err := fetched.Err(); err != nil {
			s.t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			s.log[r.Partition] = append(s.log[r.Partition], r)
			n--
		})
	}
}

// poll hands over one batch, and reports whether there was any.
func (s *eventSource) poll(function func(context.Context, json.RawMessage) (any, error)) bool {
	records, to := map[string][]map[string]any{}, map[int32]int{}
	for p, all := range s.log {
		from := s.committed[p]
		if s.rng.IntN(6) == 0 && from > 0 {
			from = s.rng.IntN(from)
		}
		to[p] = min(len(all), from+s.rng.IntN(20))
		for _, r := range all[from:max(from, to[p])] {
			partition := fmt.Sprintf("orders-%d", p)
			records[partition] = append(records[partition], map[string]any{"topic": r.Topic, "partition": r.Partition, "offset": r.Offset,
				"timestamp": r.Timestamp.UnixMilli(), "timestampType": "CREATE_TIME", "value": base64.StdEncoding.EncodeToString(r.Value), "headers": []any{}})
		}
	}
	if len(records) > 0 {
		payload, err := json.Marshal(map[string]any{"eventSource": "SelfManagedKafka", "bootstrapServers": strings.Join(s.servers, ","), "records": records})
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := function(s.t.Context(), payload); err == nil && s.rng.IntN(4) > 0 { // or it is lost before it commits
			for p, reached := range to {
				s.committed[p] = max(s.committed[p], reached)
			}
		}
	}
	for p, all := range s.log {
		if s.committed[p] < len(all) {
			return true
		}
	}
	return false
}

// TestATopicIsTakenWholeAndInPlacesThatNeverChange drives the handler from a server of
// Kafka's protocol, through failures and redeliveries.
func TestATopicIsTakenWholeAndInPlacesThatNeverChange(t *testing.T) {
	const n = 300
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	writer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	for i := range n {
		if err := writer.ProduceSync(t.Context(), &kgo.Record{Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, `{"event":"e%d"}`, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := &eventSource{t: t, rng: rand.New(rand.NewPCG(3, 4)), servers: cluster.ListenAddrs(), log: map[int32][]*kgo.Record{}, committed: map[int32]int{}}
	s.read(n)
	places, texts, again := map[string]string{}, map[string]bool{}, 0
	function := feeding{all: []feed.Feed{{Name: "orders", Kind: feed.Kafka, Servers: s.servers, Topic: "orders"}}, log: quiet(), now: feedingOf(nil).now,
		take: func(_ context.Context, f feed.Feed, records []feed.Record) (int, error) {
			taken := len(records)
			if s.rng.IntN(3) == 0 {
				taken = s.rng.IntN(len(records))
			}
			for _, r := range records[:taken] {
				place, text := r.Partition+"/"+r.Place, string(r.Data)
				if was, known := places[place]; known && was != text {
					t.Fatalf("at %s was %s, and is %s", place, was, text)
				} else if known {
					again++
				}
				places[place], texts[text] = text, true
			}
			if taken < len(records) {
				return taken, errors.New("the stream is away")
			}
			return taken, nil
		}}.event
	for s.poll(function) {
	}
	if len(places) != n || len(texts) != n {
		t.Errorf("%d places and %d events of %d", len(places), len(texts), n)
	}
	if again < n/10 {
		t.Errorf("%d records came again: too few to prove anything", again)
	}
}
