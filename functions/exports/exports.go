// Package exports holds the endpoint that orders exports. Package jobs tells of them.
package exports

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoint needs.
type Deps struct {
	Orders export.Orders
	Jobs   job.Jobs
}

// Register serves the endpoint.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.CreateExport, export.Request{}, api.Accepted{}, d.create)
}

func (d Deps) create(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	spec, err := d.Orders.Order(r.Context(), caller, body)
	if err != nil {
		return err
	}
	j, err := d.Jobs.Submit(r.Context(), caller.Tenant, spec)
	if err != nil {
		return err
	}
	return api.Accept(w, route.CreateExport, j.ID)
}
