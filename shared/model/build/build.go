// Package build builds models: it asks a model's SQL of the datasets that it reads and puts
// the answer in the place of what it was, in one commit with what it was made of. So a
// model is whole or as it was, whenever the process is killed.
//
// An incremental model is asked for the parts alone among whose rows something came or
// went since. That is exact because package distribute has shown the SQL to give the same
// by parts and at once, and because what changed is told by the log of the inputs and not
// by a clock: a row that is a year late makes its own part of the result anew.
package build

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlgate"
	"github.com/tarnhq/tarn/shared/tenant"
)

// SQL runs statements apart from this process: a sqlrun.Runner.
type SQL interface {
	engine.SQL
	Read(ctx context.Context, text string) (sqlgate.Query, error)
	Stream(ctx context.Context, s engine.Statement, each func(columns []query.Column, rows [][]query.Value) error) error
}

// Builder builds models.
type Builder struct {
	Catalog dataset.Catalog
	Source  snapshot.Source
	Seal    func(context.Context, tenant.ID, dataset.Name) error // what is in memory, first; nil where nothing is
	SQL     SQL
	Loader  load.Loader
}

// Order says how a model is to be built.
type Order struct {
	ID     load.ID // names the build: one of that name that ended is not done again
	Full   bool    // all of it, whatever changed
	Period *Period // these parts of it, whatever changed
}

// Period is from an instant until before another.
type Period struct{ From, Until int64 } // UTC microseconds

// Report says what a build did.
type Report struct {
	Outcome  model.Outcome // Built or Unchanged
	Full     bool
	Parts    int
	Rows     int64
	Replaced int64
}

// build is one build of one model.
type build struct {
	Builder
	tenant tenant.ID
	model  model.Model
	order  Order
	inputs map[dataset.Name]*input

	dataset dataset.Dataset
	noted   json.RawMessage // as it stands there
	was     note            // what it says
	target  manifest.State  // the result as it is
	shape   shape
	carries gate.Carried
}

// Build builds a model. What it reads that fails it, its tests among them, leaves the result
// as it was: fault.Invalid for what its owner can mend.
func (b Builder) Build(ctx context.Context, t tenant.ID, m model.Model, o Order) (Report, error) {
	w := &build{Builder: b, tenant: t, model: m, order: o}
	defer w.release()
	if err := w.open(ctx, nil); err != nil {
		return Report{}, err
	}
	if err := w.found(ctx); err != nil {
		return Report{}, err
	}
	if err := w.timed(ctx); err != nil {
		return Report{}, err
	}
	return w.load(ctx, func(ctx context.Context, before, after manifest.State) error { return w.test(ctx, after) })
}

// load finds what is to be built, and builds it unless check fails.
func (w *build) load(ctx context.Context, check func(ctx context.Context, before, after manifest.State) error) (Report, error) {
	if err := w.read(ctx); err != nil {
		return Report{}, err
	}
	parts, err := w.plan(ctx)
	if err != nil {
		return Report{}, err
	}
	if parts != nil && parts.empty() {
		return Report{Outcome: model.Unchanged}, nil
	}
	p := load.Plan{ID: w.order.ID, Mode: load.Replace, Fresh: parts == nil, Place: place, Note: w.note, Since: &w.noted, Check: check, Also: w.carry}
	r := Report{Outcome: model.Built, Full: parts == nil}
	if parts != nil {
		p.Mode, p.Parted = load.Restate, parts.parted(w.model.Incremental)
		r.Parts = parts.len()
	}
	p.Parts = w.rows(ctx, parts)
	loaded, err := w.Loader.Load(ctx, w.tenant, w.dataset, p)
	r.Rows, r.Replaced = loaded.Rows, loaded.Replaced
	if fault.Is(err, fault.TooLarge) && parts != nil { // it touches more files than a commit holds: all of them are written anew
		w.order.Full = true
		return w.load(ctx, check)
	}
	return r, err
}

// found finds the dataset of the result, or makes it.
func (w *build) found(ctx context.Context) error {
	d, err := w.Catalog.Get(ctx, w.tenant, w.model.Name)
	if fault.Is(err, fault.NotFound) {
		d, err = w.Catalog.Create(ctx, w.tenant, dataset.Spec{Name: w.model.Name, Kind: dataset.Table, Settings: w.settings()})
		if fault.Is(err, fault.Conflict) {
			d, err = w.Catalog.Get(ctx, w.tenant, w.model.Name)
		}
	}
	if err != nil {
		return err
	}
	if d.Kind != dataset.Table {
		return taken(d.Name)
	}
	w.dataset = d
	if at := w.settings().TimeColumn; at != "" {
		w.dataset.Settings.TimeColumn = at // a later version of the model may be parted by another column
	}
	return w.recall(ctx)
}

// timed lets questions by period go by the column that the model is parted by.
func (w *build) timed(ctx context.Context) error {
	d, err := w.Catalog.Get(ctx, w.tenant, w.model.Name)
	if err != nil || d.Settings.TimeColumn == w.dataset.Settings.TimeColumn {
		return err
	}
	settings := d.Settings
	settings.TimeColumn = w.dataset.Settings.TimeColumn
	_, err = w.Catalog.Update(ctx, w.tenant, w.model.Name, dataset.Change{Settings: &settings})
	return err
}

func taken(name dataset.Name) error {
	return fault.New(fault.Invalid, "not_of_the_model", "there is a dataset %q already, and no model made it", name).
		WithHint("give the model another name, or delete the dataset")
}

// settings are those of a new result.
func (w *build) settings() dataset.Settings {
	s := dataset.Settings{Description: clipped(w.model.Description, 1000)}
	if i := w.model.Incremental; i != nil && i.Grain != "" && i.Column != dataset.ColumnTime {
		s.TimeColumn = i.Column
	}
	return s
}

func clipped(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// read checks the SQL, and that it reads what its references say and nothing else.
func (w *build) read(ctx context.Context) error {
	q, err := w.SQL.Read(ctx, w.model.SQL)
	if err != nil {
		return err
	}
	if err := w.model.CheckReads(q); err != nil {
		return err
	}
	w.carries = carried(w.model, q, w.inputs)
	w.shape, err = shapeOf(w.model, q, w.inputs)
	return err
}

var errStop = errors.New("no more rows are wanted")

// open pins what the model reads, but for what is given.
func (w *build) open(ctx context.Context, given map[dataset.Name]*input) error {
	w.inputs = map[dataset.Name]*input{}
	for _, name := range slices.Concat(w.model.Inputs(), w.tested()) {
		if w.inputs[name] != nil || name == w.model.Name {
			continue
		}
		if in := given[name]; in != nil {
			w.inputs[name] = in
			continue
		}
		in, err := w.pin(ctx, name)
		if err != nil {
			return err
		}
		w.inputs[name] = in
	}
	return nil
}

// tested lists what the model's tests read beside it.
func (w *build) tested() (names []dataset.Name) {
	for _, c := range w.model.Columns {
		for _, t := range c.Tests {
			if t.Related != nil {
				names = append(names, t.Related.To)
			}
		}
	}
	for _, q := range w.model.Queries {
		names = append(names, q.Refs...)
	}
	return names
}

func (w *build) pin(ctx context.Context, name dataset.Name) (*input, error) {
	if w.Seal != nil {
		if err := w.Seal(ctx, w.tenant, name); err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	over, err := w.Source.Open(ctx, w.tenant, name, nil)
	if err != nil {
		return nil, err
	}
	sealed := snapshot.OfState(over.Dataset, over.State) // what is not sealed has no place in the log yet: it comes with the next build
	sealed.Release = over.Release
	return inputOf(sealed), nil
}

func (w *build) release() {
	for _, in := range w.inputs {
		in.visible.Release()
	}
}

// statement is a SELECT over the inputs, or some of their parts.
func (w *build) statement(text string, parts *parts, instead map[dataset.Name]snapshot.Snapshot) engine.Statement {
	return engine.Statement{SQL: text, Open: func(_ context.Context, name dataset.Name) (engine.Visible, error) {
		if over, ok := instead[name]; ok {
			return whole(over), nil
		}
		in := w.inputs[name]
		if in == nil {
			return engine.Visible{}, fault.New(fault.NotFound, "dataset_not_found", "there is no dataset %q", name)
		}
		v := in.visible
		v.Release = func() {} // the build has it until its end
		if parts != nil {
			v = parts.among(v, w.shape.keys[name])
		}
		return v, nil
	}}
}

// whole is all of a snapshot.
func whole(over snapshot.Snapshot) engine.Visible {
	over.Release = func() {}
	return engine.Visible{Snapshot: over, View: query.Whole(over.Dataset.Kind, over.Schema)}
}
