package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed"
)

const partitions = 4

func newCluster(t *testing.T, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(partitions, "orders"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newClient(t *testing.T, c *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// produce writes records from one number to another, and returns their texts.
func produce(t *testing.T, client *kgo.Client, from, to int) (texts []string) {
	t.Helper()
	var all []*kgo.Record
	for n := from; n < to; n++ {
		text := fmt.Sprintf(`{"event":"e%d"}`, n)
		texts = append(texts, text)
		all = append(all, &kgo.Record{Topic: "orders", Partition: int32(n % partitions), Value: []byte(text)})
	}
	if err := client.ProduceSync(t.Context(), all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return texts
}

// kept counts what was taken, by the place of the record.
type kept struct {
	mu    sync.Mutex
	texts map[string]string // by place
	times map[string]int
	full  func(int) bool
	done  chan struct{}
}

func newKept(full func(records int) bool) *kept {
	return &kept{texts: map[string]string{}, times: map[string]int{}, full: full, done: make(chan struct{})}
}

func (k *kept) add(records []feed.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range records {
		place := r.Partition + "/" + r.Place
		k.texts[place] = string(r.Data)
		k.times[place]++
	}
	if k.full(len(k.texts)) {
		select {
		case <-k.done:
		default:
			close(k.done)
		}
	}
}

func (k *kept) wait(t *testing.T) {
	t.Helper()
	select {
	case <-k.done:
	case <-time.After(time.Minute):
		t.Fatalf("%d records after a minute", len(k.texts))
	}
}

func (k *kept) set() map[string]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]bool{}
	for _, text := range k.texts {
		all[text] = true
	}
	return all
}

// member is a reader that pauses for a moment only.
func member(c *kfake.Cluster, take func(context.Context, feed.Feed, []feed.Record) (int, error)) Reader {
	return Reader{Feed: feed.Feed{Name: "orders", Kind: feed.Kafka, Topic: "orders", Servers: c.ListenAddrs(), Plain: true}, Take: take,
		Pause: func(ctx context.Context) error { return ctx.Err() }, Log: slog.New(slog.DiscardHandler)}
}

// running runs a reader until stop, which waits for its end.
func running(t *testing.T, r Reader) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// committed is how far the group has got, by partition.
func committed(t *testing.T, client *kgo.Client) map[int32]int64 {
	t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	request.Group = "tarn-orders"
	topic := kmsg.NewOffsetFetchRequestTopic()
	topic.Topic = "orders"
	for p := range int32(partitions) {
		topic.Partitions = append(topic.Partitions, p)
	}
	request.Topics = append(request.Topics, topic)
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = "tarn-orders"
	group.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "orders", Partitions: topic.Partitions}}
	request.Groups = append(request.Groups, group)
	response, err := request.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	at := map[int32]int64{}
	for _, g := range response.Groups {
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				at[p.Partition] = p.Offset
			}
		}
	}
	return at
}

func TestATopicIsReadToItsEndAndWhatIsCommittedIsNotReadAgain(t *testing.T) {
	c := newCluster(t)
	client := newClient(t, c)
	want := map[string]bool{}
	for _, text := range produce(t, client, 0, 100) {
		want[text] = true
	}
	first := newKept(func(n int) bool { return n == 100 })
	stop := running(t, member(c, func(_ context.Context, _ feed.Feed, records []feed.Record) (int, error) {
		first.add(records)
		return len(records), nil
	}))
	first.wait(t)
	stop()
	if diff := cmp.Diff(want, first.set()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[int32]int64{0: 25, 1: 25, 2: 25, 3: 25}, committed(t, client)); diff != "" {
		t.Errorf("committed (-want +got):\n%s", diff)
	}
	later := map[string]bool{}
	for _, text := range produce(t, client, 100, 120) {
		later[text] = true
	}
	second := newKept(func(n int) bool { return n == 20 })
	running(t, member(c, func(_ context.Context, _ feed.Feed, records []feed.Record) (int, error) {
		second.add(records)
		return len(records), nil
	}))
	second.wait(t)
	if diff := cmp.Diff(later, second.set()); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// TestWhatIsNotStoredIsNeverCommitted has members come and go while their takes fail, most
// often after a part of the records, and now and then after all were stored.
func TestWhatIsNotStoredIsNeverCommitted(t *testing.T) {
	c := newCluster(t)
	client := newClient(t, c)
	rng, want := rand.New(rand.NewPCG(1, 2)), map[string]bool{}
	const rounds, each = 8, 60
	stored := newKept(func(n int) bool { return n == rounds*each })
	var mu sync.Mutex
	take := func(_ context.Context, _ feed.Feed, records []feed.Record) (int, error) {
		mu.Lock()
		n, misfortune := rng.IntN(len(records)+1), rng.IntN(3)
		mu.Unlock()
		if misfortune == 0 {
			stored.add(records[:n])
			return n, fault.New(fault.Throttled, "over_quota", "later")
		}
		stored.add(records)
		if misfortune == 1 {
			return 0, errors.New("nobody knows what became of it")
		}
		return len(records), nil
	}
	var stops []func()
	for round := range rounds {
		for _, text := range produce(t, client, round*each, (round+1)*each) {
			want[text] = true
		}
		if round%3 == 2 {
			stops[0]()
			stops = stops[1:]
		} else {
			stops = append(stops, running(t, member(c, take)))
		}
	}
	stored.wait(t)
	for _, stop := range stops {
		stop()
	}
	if diff := cmp.Diff(want, stored.set()); diff != "" {
		t.Error(diff)
	}
	for place := range stored.times {
		if stored.times[place] > 1 {
			return
		}
	}
	t.Error("nothing was delivered twice: the test proves little")
}

func TestAFeedMayBeginNow(t *testing.T) {
	c := newCluster(t)
	client := newClient(t, c)
	produce(t, client, 0, 40)
	got := newKept(func(n int) bool { return n > 0 })
	r := member(c, func(_ context.Context, _ feed.Feed, records []feed.Record) (int, error) {
		got.add(records)
		return len(records), nil
	})
	r.Feed.From = feed.Now
	running(t, r)
	for n := 40; ; n += 4 { // until it has joined, nothing is now
		for text := range got.set() {
			var first int
			if _, err := fmt.Sscanf(text, `{"event":"e%d"}`, &first); err != nil || first < 40 {
				t.Fatalf("it began with %s", text)
			}
			return
		}
		produce(t, client, n, n+4)
	}
}

func TestAClusterIsToldWhoReads(t *testing.T) {
	for login, method := range map[feed.Login]string{feed.PlainLogin: "PLAIN", feed.SCRAM256: "SCRAM-SHA-256", feed.SCRAM512: "SCRAM-SHA-512"} {
		c := newCluster(t, kfake.EnableSASL(), kfake.Superuser(method, "tarn", "right"))
		for password, want := range map[string]bool{"right": true, "wrong": false} {
			r := member(c, nil)
			r.Feed.Login = login
			r.Credentials = func(context.Context, string) (feed.Credentials, error) {
				return feed.Credentials{Username: "tarn", Password: password}, nil
			}
			client, err := r.open(t.Context())
			if err == nil {
				client.CloseAllowingRebalance()
			}
			if (err == nil) != want {
				t.Errorf("%s, %s: %v", login, password, err)
			}
		}
		r := member(c, nil)
		r.Feed.Login = login
		none := fault.New(fault.NotFound, "secret_not_found", "there is none")
		r.Credentials = func(context.Context, string) (feed.Credentials, error) { return feed.Credentials{}, none }
		if _, err := r.open(t.Context()); !errors.Is(err, none) {
			t.Errorf("%s, without a secret: %v", login, err)
		}
	}
}
