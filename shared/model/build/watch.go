package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Watcher orders the builds of models that are run by themselves. It may look as often as
// one likes, and in several processes: of one hour, or of one change, there is one job.
type Watcher struct {
	Models  model.Store
	Catalog dataset.Catalog
	Loader  load.Loader
	Jobs    job.Jobs
	Now     func() time.Time
}

// Look orders what is due, of all tenants. What fails for one does not keep the others from
// theirs.
func (w Watcher) Look(ctx context.Context) (failed error) {
	for next := ""; ; {
		page, more, err := w.Catalog.Tenants(ctx, next)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, t := range page {
			if err := w.look(ctx, t); err != nil {
				failed = errors.Join(failed, fmt.Errorf("models of %s: %w", t, err))
			}
		}
		if next = more; next == "" || ctx.Err() != nil {
			return failed
		}
	}
}

func (w Watcher) look(ctx context.Context, t tenant.ID) error {
	folder, err := w.Models.Folder(ctx, t, 0)
	if err != nil || folder.Version == 0 {
		return err
	}
	p, err := folder.Project()
	if err != nil {
		return err
	}
	for _, cadence := range model.Cadences {
		key, err := w.due(ctx, t, p, cadence)
		if err != nil {
			return err
		}
		if key == "" {
			continue
		}
		spec, err := Job(Kind, Request{Run: cadence}, Pinned{Version: p.Version}, p.By, fmt.Sprintf("models %d %s %s", p.Version, cadence, key))
		if err != nil {
			return err
		}
		if _, err := w.Jobs.Submit(ctx, t, spec); err != nil {
			return err
		}
	}
	return nil
}

// due names the run of a cadence that is due; empty: none is.
func (w Watcher) due(ctx context.Context, t tenant.ID, p model.Project, cadence model.Cadence) (string, error) {
	var of []model.Model
	for _, m := range p.Models {
		if m.Cadence == cadence {
			of = append(of, m)
		}
	}
	grain := map[model.Cadence]model.Grain{model.Hourly: model.Hour, model.Daily: model.Day, model.Weekly: model.Week}[cadence]
	switch {
	case len(of) == 0 || cadence == model.Manual:
		return "", nil
	case cadence == model.OnChange:
		return w.changed(ctx, t, of)
	}
	begins := time.UnixMicro(begin(grain, w.Now().UnixMicro())).UTC()
	for _, m := range of {
		status, err := w.Models.Status(ctx, t, m.Name)
		if err != nil {
			return "", err
		}
		if status.At.Before(begins) {
			return begins.Format(time.RFC3339), nil
		}
	}
	return "", nil
}

// changed names what the inputs of some models are; empty: the models were made of just that.
func (w Watcher) changed(ctx context.Context, t tenant.ID, of []model.Model) (string, error) {
	sum, differs := sha256.New(), false
	for _, m := range of {
		was, err := w.noted(ctx, t, m)
		if err != nil {
			return "", err
		}
		for _, name := range m.Inputs() {
			d, err := w.Catalog.Get(ctx, t, name)
			if fault.Is(err, fault.NotFound) {
				return "", nil // it cannot be built yet
			}
			if err != nil {
				return "", err
			}
			st, err := w.Loader.Manifest.Load(ctx, t, d.ID)
			if err != nil {
				return "", err
			}
			is := made{d.ID, st.Version}
			differs = differs || was.Inputs[name] != is || was.Definition != definition(m)
			fmt.Fprintln(sum, m.Name, name, is)
		}
	}
	if !differs {
		return "", nil
	}
	return hex.EncodeToString(sum.Sum(nil)[:12]), nil
}

// noted is what a result was made of.
func (w Watcher) noted(ctx context.Context, t tenant.ID, m model.Model) (n note, err error) {
	d, err := w.Catalog.Get(ctx, t, m.Name)
	if fault.Is(err, fault.NotFound) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	text, err := w.Loader.Note(ctx, t, d.ID, place)
	if err != nil || text == nil {
		return n, err
	}
	return n, json.Unmarshal(text, &n)
}
