// Package server is the whole of Tarn in one process: every handler and consumer
// over the embedded adapters. It serves laptops and tests, and is a real server for
// one machine.
package server

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/adapter/embedded/oidc"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/schedule"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/tail"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Tenant is the workspace of a local server.
const Tenant tenant.ID = "main"

// Options say where a server lives. Dir, URL and Log are needed.
type Options struct {
	Dir string // the data folder
	URL string // where it is reached, without a final slash
	Log *slog.Logger
	Now func() time.Time // nil: time.Now
	Web api.Web          // zero: no other site's page may call
	CA  string           // file of the certificate to trust; empty: plain HTTP

	KeyFile string // seals the secrets; empty: beside the data folder

	Networks outbound.Networks     // private ones that may be called
	Others   []federation.Provider // that people sign in with, too; their secrets are the deployment's

	Feeds []feed.Feed // topics of Kafka that events are taken from

	Policy     tail.Policy   // when a tail is sealed; zero: DefaultPolicy
	SweepEvery time.Duration // zero: as often as in AWS

	CompactEvery time.Duration // zero: as often as in AWS; Never: not at all
	PublishEvery time.Duration // zero: as often as in AWS; Never: not at all

	DropDir   string        // that files are dropped into; empty: "drop" in the data folder
	DropEvery time.Duration // how often it is looked at; zero: every two seconds

	Program string // this one, whose main hands SQL to sqlrun.Child; empty: SQL is not run

	AskAnew bool // nothing is kept of answers: for those who measure what asking costs

	Free func(dir string) (uint64, error) // bytes that are free on a folder's disk; nil: what the system says
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Policy == (tail.Policy{}) {
		o.Policy = DefaultPolicy
	}
	o.SweepEvery = cmp.Or(o.SweepEvery, route.Sweep.Every)
	o.CompactEvery = cmp.Or(o.CompactEvery, route.Compact.Every)
	o.PublishEvery = cmp.Or(o.PublishEvery, route.Publish.Every)
	return o
}

// Never is how often what is not to be done is done.
const Never time.Duration = -1

// DefaultPolicy seals few and large segments: what is not sealed is answered from
// the tail, and a crash costs reading it again from the stream.
var DefaultPolicy = tail.Policy{Rows: 500_000, Bytes: 256 << 20, Age: 5 * time.Minute}

const (
	segmentMemory = 256 << 20 // bytes of filters and ids that are kept
	answerMemory  = 64 << 20  // bytes of answers that are kept
	slowQuery     = time.Second
	flushEvery    = 200 * time.Millisecond
	usageEvery    = 5 * time.Second
	lookEvery     = 5 * time.Second // for new shards
	sealGrace     = 30 * time.Second
	drainGrace    = 10 * time.Second
)

// Server is a running server.
type Server struct {
	options  Options
	parts    int // of the stream, on which events are spread
	store    *embedded.Store
	provider *oidc.Provider
	trail    *audit.Store
	keys     access.Keys
	usage    *access.Usage
	meter    *quota.Meter
	embeds   *access.Embeds
	clients  *access.Clients
	auth     *access.Authenticator
	catalog  dataset.Catalog
	manifest manifest.Store
	segments *segment.Cache
	live     *tail.Live
	accepted *ingest.Accepted
	ingest   ingest.Options
	producer *ingest.Producer
	salts    *fieldrule.Salts
	enricher *enrich.Enricher
	engine   *duck.Engine
	answers  engine.Engine // the engine, with what is kept of its answers
	cache    *answer.Cache
	tables   *embedded.Pointers // of the Iceberg tables
	sql      *sqlrun.Runner
	builder  *sqlrun.Runner // of models
	jobs     job.Jobs
	drops    *embedded.Drops
	handler  http.Handler

	scheduler schedule.Scheduler
	alarms    *embedded.Alarms
	rung      chan alarm.Call // alarms that nobody has answered yet

	stop    context.CancelFunc
	running sync.WaitGroup
	trim    trimmer
}

// Open opens the data folder and starts everything but the listener.
func Open(ctx context.Context, o Options) (*Server, error) {
	if err := checkFeeds(o.Feeds); err != nil {
		return nil, err
	}
	s := &Server{options: o.filled(), stop: func() {}, rung: make(chan alarm.Call, 1000)}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.start()
	return s, nil
}

// start begins what runs in the background.
func (s *Server) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() {
		ticks := time.NewTicker(flushEvery)
		defer ticks.Stop()
		if err := s.accepted.Run(ctx, ticks.C); err != nil {
			s.options.Log.Error("accepted", "error", err)
		}
	})
	s.running.Go(func() {
		_ = tail.Follow(ctx, s.store.Stream(), s.worker, snapshot.Every(lookEvery), sealGrace) // ends with ctx
	})
	s.running.Go(func() { s.recordUsage(ctx) })
	s.running.Go(func() { s.sweep(ctx) })
	s.running.Go(func() { s.schedule(ctx) })
	s.running.Go(func() { s.collect(ctx) })
	s.running.Go(func() { s.watch(ctx) })
	s.follow(ctx)
	s.work(ctx)
	if s.options.CompactEvery != Never {
		s.running.Go(func() { s.compact(ctx) })
	}
	if s.options.PublishEvery != Never {
		s.running.Go(func() { s.publish(ctx) })
	}
}

// recordUsage writes which keys were used.
func (s *Server) recordUsage(ctx context.Context) {
	ticks := time.NewTicker(usageEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := s.usage.Flush(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.Error("usage of keys", "error", err)
			}
		}
	}
}

// Handler serves everything.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on listeners until ctx ends, then finishes what is under way.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	h := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.options.Log.Handler(), slog.LevelWarn)}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- h.Serve(l) }() // ends with Shutdown
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainGrace)
		defer cancel()
		return h.Shutdown(last)
	}
}

// Close seals what is unsealed and closes the data folder.
func (s *Server) Close() error {
	s.stop()
	s.running.Wait()
	var errs []error
	if s.sql != nil {
		s.sql.Close()
	}
	if s.builder != nil {
		s.builder.Close()
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	if s.tables != nil {
		errs = append(errs, s.tables.Close())
	}
	if s.drops != nil {
		errs = append(errs, s.drops.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
