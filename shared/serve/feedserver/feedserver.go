// Package feedserver makes what a function in AWS takes feeds with.
package feedserver

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/quota"
)

// Server takes the feeds of a stage.
type Server struct {
	Feeds  []feed.Feed
	Intake *feed.Intake
	Flush  func(context.Context) // writes what was counted; for the end of the process
}

// New returns a server with a stage's settings.
func New(account aws.Account, log *slog.Logger) (Server, error) {
	feeds, err := feed.Parse([]byte(config.Feeds.Or("[]")))
	if err != nil {
		return Server{}, err
	}
	buckets, err := strconv.Atoi(config.Buckets.Value())
	if err != nil {
		return Server{}, err
	}
	table, secrets := account.Table(config.Table.Value()), account.Secrets(config.Secrets.Value())
	id := events.Producer(rand.Uint64() | 1) // #nosec G404 -- numbers a process; nothing is protected
	failed := func(err error) { log.Error("accepted", "error", err.Error()) }
	accepted := &ingest.Accepted{Table: table, Producer: id, Now: time.Now, MaxAge: time.Second, Failed: failed}
	usage := &access.Usage{Table: table, Now: time.Now}
	return Server{
		Feeds: feeds,
		Intake: &feed.Intake{
			Secrets:       secrets,
			Authenticator: &access.Authenticator{Keys: access.Keys{Table: table, Now: time.Now}, Usage: usage},
			Datasets:      &dataset.Cache{Catalog: dataset.Catalog{Table: table, Now: time.Now}, MaxAge: dataset.CacheAge},
			Enricher:      enrich.New(&fieldrule.Salts{Secrets: secrets}, table, account.Blob(config.Bucket.Value()), time.Now),
			Meter:         quota.NewMeter(table, time.Now, true),
			Producer: ingest.NewProducer(ingest.Options{ID: id, Stream: account.Stream(config.Stream.Value()), Buckets: buckets,
				Accepted: accepted, Seal: events.Seal}),
			Now: time.Now,
		},
		Flush: func(ctx context.Context) {
			if err := accepted.Flush(ctx); err != nil {
				failed(err)
			}
			if err := usage.Flush(ctx); err != nil {
				log.Error("usage of keys", "error", err.Error())
			}
		},
	}, nil
}
