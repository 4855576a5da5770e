package api

import (
	"encoding/json"
	"net/http"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
)

// Accepted is the answer of an endpoint that ordered a job: what to ask for next.
type Accepted struct {
	JobID job.ID `json:"job_id"`
}

// Accept answers that a job was ordered.
func Accept(w http.ResponseWriter, r route.Route, id job.ID) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", location(id))
	w.WriteHeader(r.Status)
	return json.NewEncoder(w).Encode(Accepted{id})
}

// Ordered is the output of a typed operation that ordered a job.
type Ordered struct {
	Location string `header:"Location"`
	Body     Accepted
}

// OrderedJob returns the output that tells of a job.
func OrderedJob(id job.ID) *Ordered {
	return &Ordered{Location: location(id), Body: Accepted{id}}
}

func location(id job.ID) string { return "/v1/jobs/" + string(id) }
