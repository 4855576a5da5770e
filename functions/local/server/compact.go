package server

import (
	"context"
	"math/rand/v2"

	"github.com/tarnhq/tarn/functions/compactor"
	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/retention"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// compact merges small segments and removes what has expired at once and then again and again until ctx ends.
func (s *Server) compact(ctx context.Context) {
	c := compactor.Compactor{
		Catalog: s.catalog, Shuffle: rand.Shuffle, Swapped: s.swapped,
		Compact: compact.Compactor{Manifest: s.manifest, Known: s.segments, Policy: compact.DefaultPolicy, Now: s.options.Now},
		Keep:    retention.Keeper{Manifest: s.manifest, Known: s.segments, Now: s.options.Now},
	}
	wait := snapshot.Every(s.options.CompactEvery)
	for ctx.Err() == nil {
		report, err := c.Run(ctx)
		if err != nil {
			s.options.Log.Error("compact", "error", err, "report", report)
		} else {
			s.options.Log.Info("compact", "report", report)
		}
		_ = wait(ctx) // fails only when ctx ends
	}
}

// swapped has the tail go on from the segments that a merge made: those it knows will
// be swept, and a dataset that nobody asks about is not looked at otherwise.
func (s *Server) swapped(ctx context.Context, t tenant.ID, d dataset.Dataset) error {
	snap, err := s.live.Open(ctx, t, d.Name, nil)
	if fault.Is(err, fault.NotFound) {
		return nil // deleted meanwhile
	}
	if err == nil {
		snap.Release()
	}
	return err
}
