package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Difference is what a build changes in a result.
type Difference struct {
	Model   dataset.Name `json:"model"`
	New     bool         `json:"new,omitempty" doc:"there is no result yet"`
	Full    bool         `json:"full,omitempty" doc:"all of it would be built, and not only parts"`
	Parts   int          `json:"parts,omitempty" doc:"that would be built"`
	Before  int64        `json:"before" doc:"rows"`
	After   int64        `json:"after" doc:"rows"`
	Added   int64        `json:"added" doc:"rows that were not there as they are"`
	Removed int64        `json:"removed" doc:"rows that are not there any more as they were"`
	Sums    []Sum        `json:"sums" doc:"of the columns of numbers whose sums differ"`
	Failed  string       `json:"failed,omitempty" doc:"why it cannot be built, or the test that it would fail"`
}

// Sum is the sum of a column, as an answer writes it; null: there is nothing to sum.
type Sum struct {
	Column string      `json:"column"`
	Before query.Value `json:"before"`
	After  query.Value `json:"after"`
}

// errTried ends a load that is not to be committed.
var errTried = errors.New("tried")

// Trial builds models without changing anything that anybody sees: each reads what those
// before it would have made. Close it when done.
type Trial struct {
	Builder
	tenant tenant.ID
	made   map[dataset.Name]*input
	failed map[dataset.Name]bool
	drafts []dataset.ID // of results that have no dataset yet
	builds []*build
}

// Try begins a trial.
func (b Builder) Try(t tenant.ID) *Trial {
	return &Trial{Builder: b, tenant: t, made: map[dataset.Name]*input{}, failed: map[dataset.Name]bool{}}
}

// Close deletes what the trial has written, as far as no dataset has it.
func (x *Trial) Close(ctx context.Context) error {
	for _, w := range x.builds {
		w.release()
	}
	var failed error
	for _, id := range x.drafts {
		_, _, err := x.Loader.Manifest.Delete(ctx, x.tenant, id)
		failed = errors.Join(failed, err)
	}
	return failed
}

// Build tells what a build of a model would change, after the builds before it. What fails it
// is part of the difference.
func (x *Trial) Build(ctx context.Context, m model.Model, o Order) (Difference, error) {
	d, err := x.build(ctx, m, o)
	if err == nil || fault.Is(err, fault.Unavailable) || fault.KindOf(err) == fault.Internal {
		return d, err
	}
	d = Difference{Model: m.Name, Failed: err.Error(), Sums: []Sum{}}
	x.failed[m.Name] = true
	return d, nil
}

func (x *Trial) build(ctx context.Context, m model.Model, o Order) (d Difference, err error) {
	if i := slices.IndexFunc(m.Refs, func(r dataset.Name) bool { return x.failed[r] }); i >= 0 {
		return d, fault.New(fault.Invalid, "input_failed", "%q, which it reads, cannot be built", m.Refs[i])
	}
	w := &build{Builder: x.Builder, tenant: x.tenant, model: m, order: o}
	x.builds = append(x.builds, w)
	if err := w.open(ctx, x.made); err != nil {
		return d, err
	}
	if d.New, err = x.draft(ctx, w); err != nil {
		return d, err
	}
	w.order.ID = load.ID("trial " + string(o.ID))
	reported, err := w.load(ctx, func(ctx context.Context, before, after manifest.State) error {
		if err := w.test(ctx, after); err != nil {
			return err
		}
		x.made[m.Name] = w.tried(before, after)
		if err := w.compare(ctx, before, after, &d); err != nil {
			return err
		}
		return errTried
	})
	d.Model = m.Name
	if err == nil { // nothing to do
		d.Before = w.target.Visible()
		d.After, d.Sums = d.Before, []Sum{}
		return d, nil
	}
	if !errors.Is(err, errTried) {
		return d, err
	}
	d.Full, d.Parts = reported.Full, reported.Parts
	return d, nil
}

// draft finds the dataset of the result, or takes one that nobody has.
func (x *Trial) draft(ctx context.Context, w *build) (isNew bool, err error) {
	_, err = w.Catalog.Get(ctx, w.tenant, w.model.Name)
	if !fault.Is(err, fault.NotFound) {
		if err != nil {
			return false, err
		}
		return false, w.found(ctx)
	}
	w.dataset, err = w.Catalog.Draft(dataset.Spec{Name: w.model.Name, Kind: dataset.Table, Settings: w.settings()})
	x.drafts = append(x.drafts, w.dataset.ID)
	return true, err
}

// tried is a result as an input of what reads it.
func (w *build) tried(before, after manifest.State) *input {
	in := inputOf(snapshot.OfState(w.dataset, after))
	in.visible.Release = func() {}
	for _, pair := range [][2]manifest.State{{before, after}, {after, before}} {
		for _, ref := range pair[1].Of(segment.Rows) {
			if !slices.ContainsFunc(pair[0].Segments, func(r segment.Ref) bool { return r.Key == ref.Key }) {
				in.moved = append(in.moved, ref)
			}
		}
	}
	in.visible.State.Version = before.Version // which is as far as the log goes
	return in
}

// compare tells how two states of a result differ.
func (w *build) compare(ctx context.Context, before, after manifest.State, d *Difference) error {
	instead := map[dataset.Name]snapshot.Snapshot{}
	for name, st := range map[dataset.Name]manifest.State{"before": before, "after": after} {
		of := w.dataset
		of.Name = name
		instead[name] = snapshot.OfState(of, st)
	}
	d.Before, d.After, d.Sums = before.Visible(), after.Visible(), []Sum{}
	columns := columnsOfBoth(instead["before"].Schema, instead["after"].Schema)
	if len(columns) == 0 {
		return nil
	}
	var lists [2][]string
	sums := []string{}
	var summed []string
	for _, c := range columns {
		for i, has := range []bool{c.before, c.after} {
			name := "NULL"
			if has {
				name = "CAST(" + quoted(c.name) + " AS VARCHAR)" // a column that was widened has the same values
			}
			lists[i] = append(lists[i], name+" AS "+quoted(c.name))
		}
		if c.number {
			summed = append(summed, c.name)
			for i, from := range []string{"before", "after"} {
				if []bool{c.before, c.after}[i] {
					sums = append(sums, fmt.Sprintf("(SELECT sum(%s) FROM %s)", quoted(c.name), from))
				} else {
					sums = append(sums, "NULL")
				}
			}
		}
	}
	was, is := "SELECT "+strings.Join(lists[0], ", ")+" FROM before", "SELECT "+strings.Join(lists[1], ", ")+" FROM after"
	text := fmt.Sprintf("SELECT %s", strings.Join(append([]string{
		"(SELECT count(*) FROM (" + is + " EXCEPT ALL " + was + ") AS a)", "(SELECT count(*) FROM (" + was + " EXCEPT ALL " + is + ") AS r)",
	}, sums...), ", "))
	got, err := w.SQL.Run(ctx, engine.Statement{SQL: text, Open: func(_ context.Context, name dataset.Name) (engine.Visible, error) { return whole(instead[name]), nil }})
	if err != nil {
		return err
	}
	row := got.Rows[0]
	d.Added, d.Removed = row[0].Int(), row[1].Int()
	for i, name := range summed {
		if b, a := row[2+2*i], row[3+2*i]; b != a {
			d.Sums = append(d.Sums, Sum{name, b, a})
		}
	}
	return nil
}

type bothColumn struct {
	name                  string
	before, after, number bool
}

// columnsOfBoth lists the columns of two schemas. A sum is of a column that is a number in
// all that have it.
func columnsOfBoth(before, after dataset.Schema) []bothColumn {
	isNumber := func(c dataset.Column) bool { return c.Type == dataset.Int || c.Type == dataset.Float }
	var out []bothColumn
	for _, c := range after.Columns {
		out = append(out, bothColumn{name: c.Name, after: true, number: isNumber(c)})
	}
	for _, c := range before.Columns {
		if i := slices.IndexFunc(out, func(o bothColumn) bool { return o.name == c.Name }); i >= 0 {
			out[i].before, out[i].number = true, out[i].number && isNumber(c)
		} else {
			out = append(out, bothColumn{name: c.Name, before: true, number: isNumber(c)})
		}
	}
	return out
}
