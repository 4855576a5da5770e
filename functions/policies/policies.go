// Package policies holds the endpoints for what callers may do and see of single datasets:
// grants, row filters and masks of columns.
package policies

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
)

// Deps is what the endpoints need.
type Deps struct {
	Rules *gate.Store
	Saved saved.Store
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.CreateRowFilter, rowFilterSpec{}, gate.RowFilter{}, d.createFilter)
	api.Handle(s, route.ListRowFilters, d.listFilters)
	api.Handle(s, route.DeleteRowFilter, d.deleteFilter)
	api.Handle(s, route.CreateMask, d.createMask)
	api.Handle(s, route.ListMasks, d.listMasks)
	api.Handle(s, route.DeleteMask, d.deleteMask)
	api.Handle(s, route.CreateGrant, d.createGrant)
	api.Handle(s, route.ListGrants, d.listGrants)
	api.Handle(s, route.DeleteGrant, d.deleteGrant)
}

// rowFilterSpec is what a new row filter is to be.
type rowFilterSpec struct {
	Dataset dataset.Name `json:"dataset" example:"web"`
	gate.Callers
	Filter query.Filter `json:"filter" doc:"a filter as in a query, in which \"attribute\" may stand in the place of \"value\": the caller's attribute of that name. Who lacks it sees no row"`
}

// createFilter reads its own body: the filter keeps all digits of its numbers.
func (d Deps) createFilter(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	var in struct {
		Dataset dataset.Name
		gate.Callers
		Filter json.RawMessage
	}
	if err := decoder.Decode(&in); err != nil {
		return badFilter(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badFilter(err)
	}
	made, err := d.Rules.AddFilter(r.Context(), caller.Tenant, gate.RowFilter{Dataset: in.Dataset, Callers: in.Callers, Filter: in.Filter})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(route.CreateRowFilter.Status)
	return json.NewEncoder(w).Encode(made)
}

func badFilter(err error) error {
	return fault.New(fault.Invalid, "bad_row_filter", "the body is no row filter").
		WithHint(`send {"dataset": "web", "roles": ["viewer"], "filter": {"column": "country", "op": "in", "attribute": "country"}}`).Because(err)
}

func (d Deps) listFilters(ctx context.Context, caller access.Principal, _ *struct{}) (*struct {
	Body struct {
		RowFilters []gate.RowFilter `json:"row_filters"`
	}
}, error) {
	out := &struct {
		Body struct {
			RowFilters []gate.RowFilter `json:"row_filters"`
		}
	}{}
	all, err := d.Rules.Filters(ctx, caller.Tenant)
	out.Body.RowFilters = append([]gate.RowFilter{}, all...)
	return out, err
}

func (d Deps) deleteFilter(ctx context.Context, caller access.Principal, in *struct {
	ID string `path:"id" maxLength:"100"`
}) (*struct{}, error) {
	return nil, d.Rules.RemoveFilter(ctx, caller.Tenant, in.ID)
}

// maskSpec is what a new mask is to be.
type maskSpec struct {
	Dataset dataset.Name `json:"dataset" example:"web"`
	gate.Callers
	Column  string       `json:"column" example:"email" maxLength:"256"`
	Mask    gate.Masking `json:"mask" enum:"hide,hash,truncate" doc:"hide: there is no such column; hash: equal values look equal; truncate: the first letters"`
	Letters int          `json:"letters,omitempty" doc:"of truncate"`
}

func (d Deps) createMask(ctx context.Context, caller access.Principal, in *struct{ Body maskSpec }) (*struct{ Body gate.ColumnMask }, error) {
	m := in.Body
	made, err := d.Rules.AddMask(ctx, caller.Tenant, gate.ColumnMask{Dataset: m.Dataset, Callers: m.Callers, Column: m.Column, Mask: m.Mask, Letters: m.Letters})
	return &struct{ Body gate.ColumnMask }{made}, err
}

func (d Deps) listMasks(ctx context.Context, caller access.Principal, _ *struct{}) (*struct {
	Body struct {
		Masks []gate.ColumnMask `json:"masks"`
	}
}, error) {
	out := &struct {
		Body struct {
			Masks []gate.ColumnMask `json:"masks"`
		}
	}{}
	all, err := d.Rules.Masks(ctx, caller.Tenant)
	out.Body.Masks = append([]gate.ColumnMask{}, all...)
	return out, err
}

func (d Deps) deleteMask(ctx context.Context, caller access.Principal, in *struct {
	ID string `path:"id" maxLength:"100"`
}) (*struct{}, error) {
	return nil, d.Rules.RemoveMask(ctx, caller.Tenant, in.ID)
}
