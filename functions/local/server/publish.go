package server

import (
	"context"
	"math/rand/v2"
	"path/filepath"

	"github.com/tarnhq/tarn/functions/publisher"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// publish brings the Iceberg tables up to date at once and then again and again until
// ctx ends.
func (s *Server) publish(ctx context.Context) {
	p := publisher.Publisher{Catalog: s.catalog, Shuffle: rand.Shuffle, Lake: s.lake()}
	wait := snapshot.Every(s.options.PublishEvery)
	for ctx.Err() == nil {
		report, err := p.Run(ctx)
		if err != nil {
			s.options.Log.Error("publish", "error", err, "report", report)
		} else {
			s.options.Log.Info("publish", "report", report)
		}
		_ = wait(ctx) // fails only when ctx ends
	}
}

// lake publishes the Iceberg tables.
func (s *Server) lake() lake.Publisher {
	blobs := s.store.Blob()
	return lake.Publisher{Manifest: s.manifest, Blobs: blobs, Pointers: s.tables, Root: "file://" + filepath.ToSlash(blobs.Folder()) + "/", Now: s.options.Now}
}

// openTables opens the catalog of the Iceberg tables, a file that other programs open
// as well.
func (s *Server) openTables(context.Context) (err error) {
	s.tables, err = embedded.OpenPointers(filepath.Join(s.options.Dir, "iceberg.db"))
	return err
}
