// Package exports holds the endpoint that orders exports. Package jobs tells of them.
package exports

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
)

// Deps is what the endpoint needs.
type Deps struct {
	Gate  gate.Gate
	Saved saved.Store
	Jobs  job.Jobs

	Limits *limit.Store // which pay for what an export reads; nil: nothing does
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
	spec, err := export.Decode(body, caller.ID)
	if err != nil {
		return err
	}
	if spec, err = export.Prepare(r.Context(), d.Gate, d.Saved, d.Limits, caller, spec); err != nil {
		return err
	}
	j, err := d.Jobs.Submit(r.Context(), caller.Tenant, spec)
	if err != nil {
		return err
	}
	return api.Accept(w, route.CreateExport, j.ID)
}
