package connectors

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

// latest is a connector's last sync. Who manages connectors sees it, whoever ordered it.
type latest struct {
	Job       job.ID       `json:"job_id"`
	State     job.State    `json:"state" enum:"queued,running,done,failed,cancelled"`
	Rows      int64        `json:"rows"`
	Submitted time.Time    `json:"submitted"`
	Ended     *time.Time   `json:"ended,omitempty"`
	Error     *job.Failure `json:"error,omitempty" doc:"the last failure, of which it may have recovered"`
}

// tell adds their last syncs to connectors as they are shown.
func (d Deps) tell(ctx context.Context, caller access.Principal, all []connector.Connector, as []shown) error {
	jobs, err := d.Store.Latest(ctx, caller.Tenant)
	if err != nil {
		return err
	}
	for i, c := range all {
		id, ok := jobs[c.ID]
		if !ok {
			continue
		}
		j, err := d.Jobs.Get(ctx, caller.Tenant, id)
		if fault.Is(err, fault.NotFound) {
			continue // forgotten
		}
		if err != nil {
			return err
		}
		as[i].Latest = &latest{Job: j.ID, State: j.State, Rows: j.Progress.Rows, Submitted: j.Submitted, Error: j.Error}
		if !j.Ended.IsZero() {
			as[i].Latest.Ended = &j.Ended
		}
	}
	return nil
}
