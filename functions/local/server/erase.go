package server

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// purgePoll is how long an erasure waits before it looks again whether the stream has
// been sealed far enough.
const purgePoll = 50 * time.Millisecond

// eraser does erasures. Nothing remains of what they erase: the stream is trimmed, and
// the table overwrites what it deletes.
func (s *Server) eraser() erasure.Runner {
	open := s.lake()
	return erasure.Runner{
		Catalog: s.catalog, Manifest: s.manifest, Jobs: s.jobs, Now: s.options.Now, Engine: s.engine,
		Seal: s.live.SealAll, Swapped: s.swapped, Known: s.segments, Lake: &open, Audit: s.trail, Purge: s.purge,
	}
}

// purge has the stream forget what it holds now, once all of that has been sealed, and
// the table what it has overwritten.
func (s *Server) purge(ctx context.Context) error {
	log := s.store.Stream()
	mark, err := log.Turn(ctx)
	if err != nil {
		return err
	}
	wait := snapshot.Every(purgePoll)
	for log.Holds(mark) {
		s.live.Seal()
		if err := s.trimSealed(ctx); err != nil {
			return err
		}
		if !log.Holds(mark) {
			break
		}
		if err := wait(ctx); err != nil {
			return snapshot.NotYet(err)
		}
	}
	return s.store.Scrub(ctx)
}

// trimSealed trims the stream to where each shard is sealed.
func (s *Server) trimSealed(ctx context.Context) error {
	shards, err := s.store.Stream().Shards(ctx)
	if err != nil {
		return err
	}
	positions := checkpoint.Positions{Table: s.store.Table()}
	for _, shard := range shards {
		at, err := positions.Read(ctx, shard.ID)
		if err != nil {
			return err
		}
		s.sealed(shard.ID, at)
	}
	return nil
}
