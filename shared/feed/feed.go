// Package feed takes events from streams that others write and that are not Tarn's: a
// company's own Kinesis stream, a topic of Kafka. It knows what a feed is, how its records
// are read, and who an event of one is. Package ingest puts the events on Tarn's stream,
// so that all that holds for events sent over HTTP holds for them.
//
// Whoever delivers records, an event source of AWS or a consumer of a group, does so at
// least once and cuts batches anywhere. An event counts once all the same, because it has
// the same id each time (docs/streams.md): its own, or else one made of the feed's name and
// the record's place. A record is never passed over: what cannot be read is quarantined.
package feed

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/secret"
)

// Feed is a stream that others write, as an operator describes it.
type Feed struct {
	Name   string `json:"name"`           // in ids of events and names of secrets: it must not change while records are in the stream
	Kind   Kind   `json:"kind"`           //
	Format Format `json:"format"`         // of the records; empty: Own
	ARN    string `json:"arn,omitempty"`  // Kinesis, MSK: of the stream or the cluster
	From   From   `json:"from,omitempty"` // where it is read from when it is read first; empty: Beginning

	Topic   string   `json:"topic,omitempty"`   // MSK, Kafka
	Servers []string `json:"servers,omitempty"` // Kafka: host:port of some of the cluster's
	Login   Login    `json:"login,omitempty"`   // MSK, Kafka; empty: MSK's by IAM, Kafka's none
	Plain   bool     `json:"plain,omitempty"`   // Kafka: without TLS
}

// Kind is what a feed is a stream of.
type Kind string

// The kinds of feeds.
const (
	Kinesis Kind = "kinesis"
	MSK     Kind = "msk"   // Kafka as AWS manages it
	Kafka   Kind = "kafka" // as anybody else does
)

// Format is what a record holds.
type Format string

// The formats.
const (
	Own     Format = "tarn"    // one event, an array of events, or one a line, as POST …/events takes them
	Segment Format = "segment" // a message of Segment's tracking API, or {"batch": [...]}

	CloudEvents Format = "cloudevents" // one in structured mode, or an array of them
)

// From is where a feed is read from when nothing was read yet.
type From string

// The places.
const (
	Beginning From = "beginning" // the oldest record that is kept
	Now       From = "now"       // what comes from now on
)

// Login is how a Kafka cluster is told who reads. The name and the password are the secret
// that LoginSecret names.
type Login string

// The logins.
const (
	PlainLogin Login = "plain"
	SCRAM256   Login = "scram-sha-256"
	SCRAM512   Login = "scram-sha-512"
)

// folder begins the names of the secrets of feeds, all of which are the deployment's.
const folder = "feed/"

// KeySecret names the secret that is the write key of a feed: it says whose its events are,
// and of which dataset.
func KeySecret(feed string) secret.Name { return secret.Name(folder + feed + "/key") }

// LoginSecret names the secret that a Kafka cluster asks for: {"username", "password"}.
func LoginSecret(feed string) secret.Name { return secret.Name(folder + feed + "/login") }

// Parse reads a list of feeds, as JSON, and says what is wrong with it.
func Parse(text []byte) ([]Feed, error) {
	var all []Feed
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("feeds: %w", err)
	}
	return all, Check(all)
}

// Check returns what is wrong with some of them, or with all together.
func Check(all []Feed) error {
	names := map[string]bool{}
	for i, f := range all {
		if err := f.check(); err != nil {
			return fmt.Errorf("feed %d, %q: %w", i+1, f.Name, err)
		}
		if names[f.Name] {
			return fmt.Errorf("two feeds are named %q", f.Name)
		}
		names[f.Name] = true
	}
	return nil
}

var (
	goodName  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	goodTopic = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
	goodARN   = map[Kind]*regexp.Regexp{
		Kinesis: regexp.MustCompile(`^arn:[a-z-]+:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[A-Za-z0-9_.-]+$`),
		MSK:     regexp.MustCompile(`^arn:[a-z-]+:kafka:[a-z0-9-]+:[0-9]{12}:cluster/[A-Za-z0-9-]+/[A-Za-z0-9-]+$`),
	}
)

func (f Feed) check() error {
	switch {
	case !goodName.MatchString(f.Name):
		return fmt.Errorf("name: 1 to 32 lower-case letters, digits and dashes")
	case !slices.Contains([]Kind{Kinesis, MSK, Kafka}, f.Kind):
		return fmt.Errorf("kind: %s, %s or %s", Kinesis, MSK, Kafka)
	case f.Format != "" && decoders[f.Format] == nil:
		return fmt.Errorf("format: %s, %s or %s", Own, Segment, CloudEvents)
	case !slices.Contains([]From{"", Beginning, Now}, f.From):
		return fmt.Errorf("from: %s or %s", Beginning, Now)
	case f.Kind != Kafka && !goodARN[f.Kind].MatchString(f.ARN), f.Kind == Kafka && f.ARN != "":
		return fmt.Errorf("arn: that of the stream for %s, of the cluster for %s, none for %s", Kinesis, MSK, Kafka)
	}
	if f.Kind == Kinesis {
		if f.Topic != "" || len(f.Servers) > 0 || f.Login != "" || f.Plain {
			return fmt.Errorf("topic, servers, login and plain are Kafka's")
		}
		return nil
	}
	return f.checkKafka()
}

func (f Feed) checkKafka() error {
	switch {
	case !goodTopic.MatchString(f.Topic):
		return fmt.Errorf("topic: the name of one")
	case f.Kind == MSK && (len(f.Servers) > 0 || f.Plain):
		return fmt.Errorf("servers and plain: AWS knows them of its own clusters")
	case f.Kind == MSK && f.Login != "" && f.Login != SCRAM512:
		return fmt.Errorf("login: MSK knows %s, and IAM where there is none", SCRAM512)
	case !slices.Contains([]Login{"", PlainLogin, SCRAM256, SCRAM512}, f.Login):
		return fmt.Errorf("login: %s, %s or %s", PlainLogin, SCRAM256, SCRAM512)
	case f.Kind == Kafka && len(f.Servers) == 0:
		return fmt.Errorf("servers: host:port of at least one")
	}
	for _, server := range f.Servers {
		if host, port, err := net.SplitHostPort(server); err != nil || host == "" || port == "" {
			return fmt.Errorf("servers: %q is not host:port", server)
		}
	}
	return nil
}
