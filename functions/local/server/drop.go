package server

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// dropEvery is how often the folder is looked at that files are dropped into.
const dropEvery = 2 * time.Second

// openDrops opens the folder that files are dropped into.
func (s *Server) openDrops(context.Context) (err error) {
	s.drops, err = embedded.OpenDrops(s.dropDir(), Tenant, s.store.Blob(), s.options.Now)
	return err
}

func (s *Server) dropDir() string {
	return cmp.Or(s.options.DropDir, filepath.Join(s.options.Dir, "drop"))
}

// collect has dropped files loaded until ctx ends.
func (s *Server) collect(ctx context.Context) {
	c := drop.Collector{Folder: s.drops, Catalog: s.catalog, Files: s.files(s.store.Table()), Jobs: s.jobs, Log: s.options.Log}
	wait := snapshot.Every(cmp.Or(s.options.DropEvery, dropEvery))
	for ctx.Err() == nil {
		settled, left, err := c.Collect(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.options.Log.Error("dropped files", "error", err, "left", left)
		case settled > 0:
			s.options.Log.Info("dropped files", "settled", settled, "left", left)
		}
		_ = wait(ctx) // fails only when ctx ends
	}
}
