// Package datasets holds the endpoints that manage a tenant's catalog.
package datasets

import (
	"context"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Deps is what the endpoints need.
type Deps struct {
	Catalog  dataset.Catalog
	Gate     gate.Gate
	Saved    saved.Store
	Enricher *enrich.Enricher
	// Forgotten returns once nobody takes events for a deleted dataset any more, so
	// that its name may be used again; nil where nobody remembers datasets.
	Forgotten func(context.Context, tenant.ID, dataset.Name) error
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.CreateDataset, d.create)
	api.Handle(s, route.ListDatasets, d.list)
	api.Handle(s, route.GetDataset, d.get)
	api.Handle(s, route.UpdateDataset, d.update)
	api.Handle(s, route.DeleteDataset, d.delete)
	d.registerDefinitions(s)
	d.registerEnrichment(s)
}

// named is the input of the endpoints that concern one dataset.
type named struct {
	Name dataset.Name `path:"dataset" maxLength:"64" example:"web"`
}

type one struct{ Body dataset.Dataset }

func (d Deps) create(ctx context.Context, caller access.Principal, in *struct{ Body dataset.Spec }) (*one, error) {
	made, err := d.Catalog.Create(ctx, caller.Tenant, in.Body)
	return &one{made}, err
}

// page is a page of the list.
type page struct {
	Datasets []dataset.Dataset `json:"datasets"`
	Next     string            `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Next  string `query:"next" maxLength:"1000"`
}) (*struct{ Body page }, error) {
	out := &struct{ Body page }{}
	var err error
	out.Body.Datasets, out.Body.Next, err = d.Catalog.List(ctx, caller.Tenant, in.Next, in.Limit)
	if out.Body.Datasets == nil {
		out.Body.Datasets = []dataset.Dataset{}
	}
	out.Body.Datasets = slices.DeleteFunc(out.Body.Datasets, func(listed dataset.Dataset) bool {
		return caller.Allow(route.ListDatasets.Action, listed.Name, d.Gate.Now()) != nil
	})
	for i, listed := range out.Body.Datasets {
		restriction, err := d.Gate.Rules.Restriction(ctx, caller, listed.Name)
		if err != nil {
			return nil, err
		}
		show(&out.Body.Datasets[i], restriction.View(listed.Kind, dataset.Schema{Columns: listed.Declared}))
	}
	return out, err
}

// show leaves out what names a column that the caller does not see.
func show(d *dataset.Dataset, seen query.View) {
	d.Declared = slices.DeleteFunc(slices.Clone(d.Declared), func(c dataset.Column) bool { return seen.Masks[c.Name] == query.Hidden })
	d.Settings.Fields = slices.DeleteFunc(slices.Clone(d.Settings.Fields), func(r fieldrule.Rule) bool {
		column, _, _ := strings.Cut(r.Field, ".")
		return seen.Masks[r.Field] == query.Hidden || seen.Masks[column] == query.Hidden
	})
}

// detail is a dataset with what it holds.
type detail struct {
	dataset.Dataset
	Schema  schema `json:"schema"`
	Rows    *int64 `json:"rows,omitempty" doc:"rows that a query sees now; absent where you see a part of them"`
	Version uint64 `json:"version" doc:"of the sealed data"`
	Bytes   *int64 `json:"bytes,omitempty" doc:"of the sealed segments; absent where you see a part of them"`
}

type schema struct {
	Version int              `json:"version"`
	Columns []dataset.Column `json:"columns" doc:"the fixed columns first, then those of properties"`
}

func (d Deps) get(ctx context.Context, caller access.Principal, in *named) (*struct{ Body detail }, error) {
	over, err := d.Gate.Open(ctx, caller, route.GetDataset.Action, in.Name, nil)
	if err != nil {
		return nil, err
	}
	defer over.Release()
	out := &struct{ Body detail }{}
	out.Body.Dataset = over.Dataset
	show(&out.Body.Dataset, over.View)
	out.Body.Schema.Version = over.Schema.Version
	out.Body.Schema.Columns = over.View.Columns()
	out.Body.Version = uint64(over.Version)
	if over.View.Restricted() {
		return out, nil
	}
	rows, bytes := over.Visible(), int64(0)
	for _, ref := range over.State.Segments {
		bytes += ref.Bytes
	}
	out.Body.Rows, out.Body.Bytes = &rows, &bytes
	return out, nil
}

func (d Deps) update(ctx context.Context, caller access.Principal, in *struct {
	Name dataset.Name `path:"dataset" maxLength:"64"` // huma does not look into an embedded struct that is not exported
	Body dataset.Change
}) (*one, error) {
	if err := d.fits(ctx, caller, in.Name, in.Body.Columns); err != nil {
		return nil, err
	}
	changed, err := d.Catalog.Update(ctx, caller.Tenant, in.Name, in.Body)
	return &one{changed}, err
}

// fits refuses to declare a column narrower than the values it has.
func (d Deps) fits(ctx context.Context, caller access.Principal, name dataset.Name, columns []dataset.Column) error {
	snap, err := d.Gate.OpenWhole(ctx, caller, route.UpdateDataset.Action, name)
	if err != nil {
		return err
	}
	defer snap.Release()
	for _, c := range columns {
		if i := snap.Schema.Find(c.Name); i >= 0 && dataset.Widen(snap.Schema.Columns[i].Type, c.Type) != c.Type {
			return fault.New(fault.Conflict, "column_has_values", "column %q has values of type %s", c.Name, snap.Schema.Columns[i].Type).
				WithHint("declare it as %s, or a type that holds those", snap.Schema.Columns[i].Type)
		}
	}
	return nil
}

func (d Deps) delete(ctx context.Context, caller access.Principal, in *named) (*struct{}, error) {
	if err := d.Gate.Rules.RemoveOn(ctx, caller.Tenant, in.Name); err != nil {
		return nil, err
	}
	gone, err := d.Catalog.Delete(ctx, caller.Tenant, in.Name)
	if err != nil {
		return nil, err
	}
	// At once, because the names of its saved queries are free then. The sweeper does
	// it again.
	if _, err := d.Saved.Forget(ctx, caller.Tenant, gone.ID); err != nil || d.Forgotten == nil {
		return nil, err
	}
	return nil, d.Forgotten(ctx, caller.Tenant, in.Name)
}
