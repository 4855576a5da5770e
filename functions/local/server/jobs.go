package server

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tarnhq/tarn/functions/worker"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/kinds"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/queue"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/table"
)

const (
	jobsEvery = 5 * time.Second        // without a hint
	watchPoll = 250 * time.Millisecond // of whoever follows a job
)

// hints is the queue that tells the workers of jobs.
func (s *Server) hints() queue.Queue { return s.store.Queue("jobs", route.Work.Tries) }

// work does jobs until ctx ends, some at a time: half the processors', and never one
// alone, which a long job would hold up.
func (s *Server) work(ctx context.Context) {
	for range max(2, runtime.GOMAXPROCS(0)/2) {
		w := &job.Worker{Jobs: s.jobs, Runners: s.runners(), Random: rand.IntN, Log: s.options.Log, Beats: worker.Beats}
		s.running.Go(func() { worker.Follow(ctx, w, s.hints(), jobsEvery, s.options.Log) })
	}
}

// runners are the kinds of jobs there are.
func (s *Server) runners() map[job.Kind]job.Runner {
	all := map[job.Kind]job.Runner{
		connector.Sync: connector.Runner{Store: s.connectors(s.store.Table()), Catalog: s.catalog, Loader: load.Loader{Manifest: s.manifest}, Drivers: s.drivers()},
		erasure.Kind:   s.eraser(),
		export.Kind:    export.Runner{Source: s.live, Seal: s.live.SealAll, Engine: s.engine, Blobs: s.store.Blob(), Folder: s.scratch()},
		file.Kind:      file.Runner{Catalog: s.catalog, Files: s.files(s.manifest.Table), Loading: s.loading(s.manifest)},
	}
	s.builds(all)
	return all
}

// files are the uploads, as what is known of them is changed through a table.
func (s *Server) files(through table.Table) file.Store {
	return file.Store{Table: through, Blobs: s.manifest.Blobs, Now: s.options.Now}
}

// loading loads files.
func (s *Server) loading(into manifest.Store) file.Loading {
	return file.Loading{Loader: load.Loader{Manifest: into}, Ingest: s.ingest, Enricher: s.enricher}
}

// connectors are kept in a table.
func (s *Server) connectors(t table.Table) connector.Store {
	kept := connector.Store{Table: t, Now: s.options.Now}
	if s.store != nil { // there is none where only the document is asked for
		kept.Secrets = s.store.Secrets()
	}
	return kept
}

// drivers are the kinds of connectors there are.
func (s *Server) drivers() connector.Drivers {
	return kinds.All(outbound.Options{Allow: s.options.Networks})
}

// scratch is the folder for files in the making.
func (s *Server) scratch() string { return filepath.Join(s.options.Dir, "scratch") }

// openScratch empties the folder of what a process that was killed has left.
func (s *Server) openScratch(context.Context) error {
	if err := os.RemoveAll(s.scratch()); err != nil {
		return err
	}
	return os.MkdirAll(s.scratch(), 0o700)
}

// exports are the files of exports.
func (s *Server) exports() export.Files {
	files := export.Files{Now: s.options.Now}
	if s.store != nil { // there is none where only the document is asked for
		files.Blobs = s.store.Blob()
	}
	return files
}
