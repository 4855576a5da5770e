package server

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/models"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/build"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/shared/table"
)

// What a model's statement may take: far more than somebody who waits for an answer.
const (
	modelTime   = 30 * time.Minute
	modelMemory = 1 << 30
	watchEvery  = 5 * time.Second // models that are built by themselves
)

// modelsIn keeps the folders of models in a table.
func (s *Server) modelsIn(t table.Table) model.Store {
	return model.Store{Table: t, Now: s.options.Now}
}

// builds does the jobs that build models, or tell what that would change.
func (s *Server) builds(runners map[job.Kind]job.Runner) {
	if s.builder == nil {
		return
	}
	b := build.Builder{Catalog: s.catalog, Source: s.live, Seal: s.live.SealAll, SQL: s.builder, Loader: load.Loader{Manifest: s.manifest}}
	runners[build.Kind] = build.Runner{Builder: b, Models: s.modelsIn(s.manifest.Table)}
	runners[build.TrialKind] = build.Runner{Builder: b, Models: s.modelsIn(s.manifest.Table), Trial: true}
}

// openModels prepares what runs the SQL of models.
func (s *Server) openModels(c sqlrun.Config) (err error) {
	c.Deadline, c.Memory, c.AtOnce = modelTime, modelMemory, 1
	s.builder, err = sqlrun.New(c)
	return err
}

// models are the endpoints' dependencies.
func (s *Server) models(seen gate.Gate, told table.Table) models.Deps {
	d := models.Deps{Models: s.modelsIn(told), Gate: seen, Jobs: s.jobs, Now: s.options.Now}
	if s.sql != nil {
		d.SQL = s.sql
	}
	return d
}

// watch orders the builds that are due, until ctx ends.
func (s *Server) watch(ctx context.Context) {
	w := build.Watcher{Models: s.modelsIn(s.manifest.Table), Catalog: s.catalog, Loader: load.Loader{Manifest: s.manifest}, Jobs: s.jobs, Now: s.options.Now}
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := w.Look(ctx); err != nil && ctx.Err() == nil {
				s.options.Log.Error("models", "error", err)
			}
		}
	}
}
