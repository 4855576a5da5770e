package server

import (
	"context"

	"github.com/tarnhq/tarn/functions/sweeper"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// sweep runs the sweeper at once, for a laptop's server may never live to the next
// time, and then again and again until ctx ends.
func (s *Server) sweep(ctx context.Context) {
	sweep := sweeper.Sweeper{Catalog: s.catalog, Manifest: s.manifest, Now: s.options.Now, Grace: sweeper.Grace}
	wait := snapshot.Every(s.options.SweepEvery)
	for ctx.Err() == nil {
		report, err := sweep.Run(ctx)
		if err != nil {
			s.options.Log.Error("sweep", "error", err, "report", report)
		} else {
			s.options.Log.Info("sweep", "report", report)
		}
		_ = wait(ctx) // fails only when ctx ends
	}
}
