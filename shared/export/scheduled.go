package export

import (
	"context"
	"encoding/json"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/saved"
)

// Orders turns requests into the jobs that do them, for the route that orders exports and
// for schedules.
type Orders struct {
	Gate   gate.Gate
	Saved  saved.Store
	Limits *limit.Store // which pay for what an export reads; nil: nothing does
}

// Order returns the job that a request asks for, if a principal may have it.
func (o Orders) Order(ctx context.Context, p access.Principal, request json.RawMessage) (job.Spec, error) {
	spec, err := Decode(request, p.ID)
	if err != nil {
		return spec, err
	}
	return Prepare(ctx, o.Gate, o.Saved, o.Limits, p, spec)
}
