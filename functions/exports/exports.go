// Package exports holds the endpoint that orders exports. Package jobs tells of them.
package exports

import (
	"encoding/json"
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
	api.Raw(s, route.CreateExport, export.Request{}, Accepted{}, d.create)
}

// Accepted is the answer: what to ask for next.
type Accepted struct {
	JobID job.ID `json:"job_id"`
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
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/jobs/"+string(j.ID))
	w.WriteHeader(route.CreateExport.Status)
	return json.NewEncoder(w).Encode(Accepted{JobID: j.ID})
}
