// Package kafka reads a feed from a topic of Kafka, as a member of a consumer group. How far
// it has read is committed to the group once the events are stored, and not before: what
// was read and not committed is read again, by whoever has the partition then, and counts
// once (package feed).
package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/tarnhq/tarn/shared/feed"
)

// Reader reads one feed.
type Reader struct {
	Feed        feed.Feed
	Take        func(ctx context.Context, f feed.Feed, records []feed.Record) (taken int, err error)
	Credentials func(ctx context.Context, feed string) (feed.Credentials, error) // asked where the feed has a login
	Pause       func(context.Context) error                                      // before it begins again; fails when the context ends
	Log         *slog.Logger
}

const (
	together   = 2000             // records that are taken at a time, at most
	fetchBytes = 8 << 20          // read ahead
	session    = 6 * time.Second  // after which a member that died has its partitions taken: the least that brokers allow
	beat       = 2 * time.Second  // of a member that lives
	rebalance  = 10 * time.Second // for so long others wait for who is in the middle of a batch; past it that one's commit fails
	patience   = 10 * time.Second // with a cluster that does not answer at first
	lastMoment = 5 * time.Second  // to commit what was taken, when the context has ended
)

// Run reads until the context ends. Whatever fails, it begins again where the group has got
// to, as another process would: there is one way to recover.
func (r Reader) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.follow(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("feed", "feed", r.Feed.Name, "error", err.Error())
		}
		_ = r.Pause(ctx) // fails only when ctx ends
	}
}

// follow reads until something fails.
func (r Reader) follow(ctx context.Context) error {
	client, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for {
		fetched := client.PollRecords(ctx, together)
		if err := fetched.Err(); err != nil {
			return err
		}
		if err := r.batch(ctx, client, fetched.Records()); err != nil {
			return err
		}
		client.AllowRebalance()
	}
}

// batch takes records and commits those that are stored. No partition is taken away
// meanwhile, unless that lasts longer than the group allows: then the commit fails.
func (r Reader) batch(ctx context.Context, client *kgo.Client, all []*kgo.Record) error {
	records := make([]feed.Record, len(all))
	for i, rec := range all {
		records[i] = feed.OfKafka(int64(rec.Partition), rec.Offset, rec.Timestamp.UnixMilli(), rec.Value)
	}
	taken, failed := r.Take(ctx, r.Feed, records)
	if taken > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMoment)
		defer cancel()
		if err := client.CommitRecords(ctx, all[:taken]...); err != nil && failed == nil {
			failed = fmt.Errorf("commit: %w", err)
		}
	}
	return failed
}

// open joins the group.
func (r Reader) open(ctx context.Context) (*kgo.Client, error) {
	from := kgo.NewOffset().AtStart()
	if r.Feed.From == feed.Now {
		from = kgo.NewOffset().AtEnd()
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(r.Feed.Servers...), kgo.ConsumeTopics(r.Feed.Topic), kgo.ConsumerGroup("tarn-" + r.Feed.Name), kgo.ClientID("tarn"),
		kgo.ConsumeResetOffset(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(fetchBytes), kgo.MaxConcurrentFetches(1),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(session), kgo.HeartbeatInterval(beat), kgo.RebalanceTimeout(rebalance),
		kgo.WithLogger(logger{r.Log, r.Feed.Name}),
	}
	if !r.Feed.Plain {
		options = append(options, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if r.Feed.Login != "" {
		login, err := r.login(ctx)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.SASL(login))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(asking); err != nil {
		client.CloseAllowingRebalance()
		return nil, fmt.Errorf("the cluster does not answer: %w", err)
	}
	return client, nil
}

func (r Reader) login(ctx context.Context) (sasl.Mechanism, error) {
	c, err := r.Credentials(ctx, r.Feed.Name)
	if err != nil {
		return nil, err
	}
	switch r.Feed.Login {
	case feed.SCRAM256:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha256Mechanism(), nil
	case feed.SCRAM512:
		return scram.Auth{User: c.Username, Pass: c.Password}.AsSha512Mechanism(), nil
	default:
		return plain.Auth{User: c.Username, Pass: c.Password}.AsMechanism(), nil
	}
}

// logger tells of what the client mends by itself, such as a broker that is away: Poll
// says nothing of it.
type logger struct {
	log  *slog.Logger
	feed string
}

// Level implements kgo.Logger.
func (l logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	at := slog.LevelWarn
	if level == kgo.LogLevelError {
		at = slog.LevelError
	}
	l.log.Log(context.Background(), at, "kafka: "+msg, append([]any{"feed", l.feed}, keyvals...)...)
}
