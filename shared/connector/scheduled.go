package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

// Orders turns requests of schedules into syncs.
type Orders struct {
	Store Store
	Now   func() time.Time
}

// Order returns the sync that a request names, if a principal may order it.
func (o Orders) Order(ctx context.Context, p access.Principal, request json.RawMessage) (job.Spec, error) {
	var asked struct {
		Connector Name `json:"connector"`
		Full      bool `json:"full"`
	}
	d := json.NewDecoder(bytes.NewReader(request))
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		return job.Spec{}, fault.New(fault.Invalid, "bad_request", "the request of a sync cannot be read").
			WithHint(`give {"connector": "crm"}, and "full": true to read everything anew`).Because(err)
	}
	if err := p.Allow(access.Connect, "", o.Now()); err != nil {
		return job.Spec{}, err
	}
	c, err := o.Store.Get(ctx, p.Tenant, asked.Connector)
	if err != nil {
		return job.Spec{}, err
	}
	return c.Submission(p.ID, asked.Full)
}
