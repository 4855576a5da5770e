package datasets

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
)

func (d Deps) registerDefinitions(s *api.Server) {
	api.Raw(s, route.PutDefinition, query.Definition{}, saved.Entry{}, d.putDefinition)
	api.Handle(s, route.GetDefinition, d.getDefinition)
	api.Handle(s, route.DeleteDefinition, d.deleteDefinition)
	api.Handle(s, route.ListDefinitions, d.listDefinitions)
}

// definition is the input of the endpoints that concern one definition.
type definition struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64" example:"web"`
	Name    string       `path:"name" maxLength:"64" example:"revenue"`
	Version int          `query:"version" minimum:"1" doc:"default: the newest"`
}

type entry struct{ Body saved.Entry }

// putDefinition reads its own body: a definition is decoded as strictly as a query.
func (d Deps) putDefinition(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	over, err := d.Gate.OpenWhole(r.Context(), caller, route.PutDefinition.Action, dataset.Name(r.PathValue(route.DatasetParam)))
	if err != nil {
		return err
	}
	defer over.Release()
	put, err := d.Saved.Put(r.Context(), caller.Tenant, over.Dataset, over.Schema, r.PathValue("name"), body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(put)
}

func (d Deps) getDefinition(ctx context.Context, caller access.Principal, in *definition) (*entry, error) {
	of, err := d.Catalog.Get(ctx, caller.Tenant, in.Dataset)
	if err != nil {
		return nil, err
	}
	found, err := d.Saved.Get(ctx, caller.Tenant, of.ID, in.Name, in.Version)
	return &entry{found}, err
}

func (d Deps) deleteDefinition(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64" example:"web"`
	Name    string       `path:"name" maxLength:"64" example:"revenue"`
}) (*struct{}, error) {
	of, err := d.Catalog.Get(ctx, caller.Tenant, in.Dataset)
	if err != nil {
		return nil, err
	}
	return nil, d.Saved.Delete(ctx, caller.Tenant, of, in.Name)
}

func (d Deps) listDefinitions(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64" example:"web"`
}) (*struct {
	Body struct {
		Definitions []saved.Entry `json:"definitions"`
	}
}, error) {
	of, err := d.Catalog.Get(ctx, caller.Tenant, in.Dataset)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Body struct {
			Definitions []saved.Entry `json:"definitions"`
		}
	}{}
	out.Body.Definitions, err = d.Saved.List(ctx, caller.Tenant, of.ID)
	return out, err
}
