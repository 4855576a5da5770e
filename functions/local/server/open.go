package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/adapter/embedded/oidc"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/quota"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/tail"
)

// open opens the parts of a server, each of which needs those before it.
func (s *Server) open(ctx context.Context) error {
	for _, part := range []func(context.Context) error{s.openStore, s.openAccess, s.openTables, s.openIngest, s.openEngine, s.openScratch, s.openDrops} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.jobs = job.Jobs{Table: s.trail.Table(), Queue: s.hints(), Now: s.options.Now, Lost: func(err error) { s.options.Log.Error("hint", "error", err) }}
	s.handler = s.routes()
	return nil
}

// openStore opens the data folder.
func (s *Server) openStore(ctx context.Context) (err error) {
	s.parts = parallelism()
	if s.store, err = embedded.Open(s.options.Dir, embedded.Options{Now: s.options.Now, BaseURL: s.options.URL, Shards: s.parts, Free: s.options.Free, KeyFile: s.options.KeyFile}); err != nil {
		return err
	}
	if s.parts, err = buckets(ctx, s.store.Table(), s.parts); err != nil {
		return err
	}
	if err = s.conceal(ctx); err != nil {
		return err
	}
	s.trail = audit.New(s.store.Table(), s.options.Now, s.options.Log)
	return nil
}

// openAccess opens what says who calls, and how much they may.
func (s *Server) openAccess(ctx context.Context) (err error) {
	tbl, secrets, now := s.store.Table(), s.store.Secrets(), s.options.Now
	if s.provider, err = oidc.Open(ctx, oidc.Config{Table: tbl, Secrets: secrets, URL: s.options.URL, Now: now, Random: rand.Reader, Log: s.options.Log, Others: s.options.Others,
		Outbound: outbound.Client(outbound.Options{Allow: s.options.Networks}), Secret: secret.Lookup(secrets), Told: s.tellSignIn}); err != nil {
		return err
	}
	issuer, err := s.provider.Issuer(ctx)
	if err != nil {
		return err
	}
	s.meter = quota.NewMeter(tbl, now, false)
	s.keys = access.Keys{Table: s.trail.Table(), Now: now, Random: rand.Reader}
	s.embeds = &access.Embeds{Secrets: secrets, Now: now, Random: rand.Reader}
	s.clients = &access.Clients{Keys: s.keys, Secrets: secrets}
	s.usage = &access.Usage{Table: tbl, Now: now}
	s.auth = &access.Authenticator{Keys: s.keys, Usage: s.usage, Embeds: s.embeds, Clients: s.clients, Tokens: access.NewTokens(issuer, s.provider.Keys, access.People{Table: tbl, Now: now})}
	s.catalog = dataset.Catalog{Table: s.trail.Table(), Now: now}
	return nil
}

// openIngest opens the way of an event, from its acknowledgement to what can be read.
func (s *Server) openIngest(context.Context) error {
	tbl, blobs, now := s.store.Table(), s.store.Blob(), s.options.Now
	s.manifest = manifest.Store{Table: tbl, Blobs: blobs, Now: now}
	s.segments = segment.NewCache(blobs, segmentMemory)
	s.live = &tail.Live{Catalog: s.catalog, Manifest: s.manifest, Segments: s.segments, Blobs: blobs, Now: now, Changes: s.store.Changes}
	id := newProducer()
	s.accepted = &ingest.Accepted{Table: tbl, Producer: id, Now: now, Failed: func(err error) { s.options.Log.Error("accepted", "error", err) }}
	s.ingest = ingest.Options{ID: id, Stream: s.store.Stream(), Buckets: s.parts, Accepted: s.accepted, Now: now}
	s.producer = ingest.NewProducer(s.ingest)
	s.salts = &fieldrule.Salts{Secrets: s.store.Secrets()}
	s.enricher = enrich.New(s.salts, tbl, blobs, now)
	return nil
}

// openEngine opens what answers questions.
func (s *Server) openEngine(context.Context) error {
	blobs, now := s.store.Blob(), s.options.Now
	files, err := local.New(blobs, "", 0)
	if err != nil {
		return err
	}
	if s.engine, err = duck.Open(duck.Config{Files: files, Readable: []string{blobs.Folder()}, Now: now}); err != nil {
		return err
	}
	s.answers = limit.Engine{Inner: s.engine}
	if !s.options.AskAnew {
		s.answers = partial.New(partial.Config{Inner: s.answers, Engine: duck.Release(), Blobs: blobs, Log: s.options.Log})
		s.cache = answer.NewCache(answerMemory, nil, s.options.Log)
	}
	if s.options.Program == "" {
		return nil
	}
	c := sqlrun.Config{Program: s.options.Program, Files: files, Readable: []string{blobs.Folder()}, Now: now}
	if s.sql, err = sqlrun.New(c); err != nil {
		return err
	}
	return s.openModels(c)
}

// statements is what runs callers' SQL, or nil.
func (s *Server) statements() engine.SQL {
	if s.sql == nil {
		return nil
	}
	return s.sql
}

// newProducer numbers this run of the process.
func newProducer() events.Producer {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return events.Producer(binary.LittleEndian.Uint64(random[:]) | 1)
}
