package lambda

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/tests/oracle"
)

// TestTheBuiltFunctionTakesFeedsOfKinesisAndKafkaOnce gives it batches as event sources
// record them, and each of them again, as they do after a crash.
func TestTheBuiltFunctionTakesFeedsOfKinesisAndKafkaOnce(t *testing.T) {
	secrets := oracle.Start(t, oracle.Secrets)
	s := deploy(t)
	s.consume(t, s.functions["ingestor"].Invoke)
	function := s.feeds(t, secrets, []feed.Feed{
		{Name: "clicks", Kind: feed.Kinesis, ARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"},
		{Name: "orders", Kind: feed.Kafka, Servers: []string{"b-2.example.com:9092"}, Topic: "orders"},
	})
	for _, c := range []struct {
		feed, sample  string
		events, taken int64 // those that are events, and all
	}{
		{"clicks", "kinesis-feed", 7, 8},
		{"orders", "kafka-batch", 3, 3},
	} {
		payload, err := os.ReadFile("../../events/samples/" + c.sample + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for times := int64(1); times <= 2; times++ {
			answer, err := function.Invoke(t.Context(), payload)
			if err != nil || string(answer) != "null" {
				t.Fatalf("%s, given %d times: %s, %v", c.sample, times, answer, err)
			}
			got := s.await(t, c.feed, func(v totals) bool { return v.Accepted == times*c.taken && v.Pending == 0 })
			if got.Visible != c.events || got.Stored != c.events || got.Duplicate != (times-1)*c.events {
				t.Errorf("%s, given %d times: %+v, want %d events", c.sample, times, got, c.events)
			}
		}
	}
	if _, err := function.Invoke(t.Context(), []byte(`{"eventSource":"SelfManagedKafka","bootstrapServers":"elsewhere:9092","records":{"orders-0":[{"topic":"orders","value":"e30="}]}}`)); err == nil {
		t.Error("a batch of a cluster that is no feed's is taken")
	}
}

// feeds deploys the function that takes feeds, each into a dataset of its name by a write
// key of its own.
func (s *stage) feeds(t *testing.T, secrets *oracle.All, all []feed.Feed) *Function {
	t.Helper()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	settings := maps.Clone(s.settings)
	settings[config.Feeds], settings[config.Secrets] = string(text), secrets.SecretPrefix(t)
	keys := access.Keys{Table: aws.NewTable(s.services.DynamoDB(), s.table), Random: rand.Reader, Now: time.Now}
	for _, f := range all {
		s.create(t, f.Name)
		_, key, err := keys.Create(t.Context(), access.DefaultTenant, access.KeySpec{Name: f.Name, Role: access.Producer, Dataset: dataset.Name(f.Name)})
		if err != nil {
			t.Fatal(err)
		}
		store := aws.NewSecrets(secrets.SecretsManager(), settings[config.Secrets])
		if err := store.Create(t.Context(), secret.Deployment, feed.KeySecret(f.Name), secret.New([]byte(key))); err != nil {
			t.Fatal(err)
		}
	}
	env := slices.DeleteFunc(environment(route.Feeds.Name, secrets, nil), func(setting string) bool { return !strings.HasPrefix(setting, "AWS_ENDPOINT_URL_") })
	env = append(env, environment(route.Feeds.Name, s.services, settings)...)
	return NewFunction(t, route.Feeds.Name, build(t, route.Feeds), guarded(t, route.Feeds, env, s.failures, s.drops))
}
