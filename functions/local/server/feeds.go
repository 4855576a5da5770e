package server

import (
	"context"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/feed/kafka"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// feedPause is how long a feed that failed rests.
const feedPause = 2 * time.Second

// checkFeeds returns an error unless all feeds are of Kafka: what AWS keeps, its own
// event sources read.
func checkFeeds(all []feed.Feed) error {
	if err := feed.Check(all); err != nil {
		return err
	}
	for _, f := range all {
		if f.Kind != feed.Kafka {
			return fmt.Errorf("feed %q: this server reads %s alone, and no %s", f.Name, feed.Kafka, f.Kind)
		}
	}
	return nil
}

// follow takes events from feeds until ctx ends.
func (s *Server) follow(ctx context.Context) {
	intake := &feed.Intake{
		Secrets: s.store.Secrets(), Authenticator: s.auth, Datasets: &dataset.Cache{Catalog: s.catalog, MaxAge: catalogMemory},
		Enricher: s.enricher, Meter: s.meter, Producer: s.producer, Now: s.options.Now,
	}
	for _, f := range s.options.Feeds {
		s.running.Go(func() {
			kafka.Reader{
				Feed: f, Take: intake.Take, Pause: snapshot.Every(feedPause), Log: s.options.Log,
				Credentials: func(ctx context.Context, name string) (feed.Credentials, error) {
					return feed.ReadCredentials(ctx, s.store.Secrets(), name)
				},
			}.Run(ctx)
		})
	}
}
