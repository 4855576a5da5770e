package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
)

// Outcome is what became of a tick.
type Outcome string

// The outcomes.
const (
	Ordered Outcome = "ordered" // there is a job
	Failed  Outcome = "failed"  // it was not ordered, for what Error says
	Skipped Outcome = "skipped" // it was missed, with others perhaps, and not made up for
)

// Run is a tick that was dealt with, or ticks that were skipped together.
type Run struct {
	Tick    time.Time    `json:"tick" doc:"when it was due"`
	Until   time.Time    `json:"until,omitzero" doc:"of runs that were skipped together: the last"`
	Missed  int          `json:"missed,omitempty" doc:"of runs that were skipped together: how many, at least"`
	At      time.Time    `json:"at" doc:"when it was dealt with"`
	Outcome Outcome      `json:"outcome" enum:"ordered,failed,skipped"`
	Manual  bool         `json:"manual,omitempty" doc:"somebody asked for it"`
	JobID   job.ID       `json:"job_id,omitempty" doc:"of a run that was ordered: GET /v1/jobs/{job_id}"`
	Error   *job.Failure `json:"error,omitempty" doc:"of a run that failed: why nothing was ordered"`
}

// keepRuns is how long runs are remembered: as long as their jobs.
const keepRuns = job.Keep

// runItem is a run's own. A tick has one for ever, so that nothing is ordered twice for it.
func (s Schedule) runItem(r Run) (table.Item, error) {
	body, err := json.Marshal(r)
	sort := "run#" + s.ID + "#" + instant(r.Tick)
	if r.Manual {
		sort += "#" + string(r.JobID)
	}
	return table.Item{Key: table.Key{Partition: partition(s.Tenant), Sort: sort}, Body: body, Expires: r.At.Add(keepRuns)}, err
}

// Runs returns the last runs of a schedule, the latest first.
func (s Store) Runs(ctx context.Context, of Schedule, limit int) (runs []Run, err error) {
	prefix := "run#" + of.ID + "#"
	page, err := s.Table.List(ctx, table.Query{Partition: partition(of.Tenant), Prefix: prefix, Reverse: true, Limit: limit})
	if err != nil {
		return nil, err
	}
	for _, item := range page.Items {
		var r Run
		if err := json.Unmarshal(item.Body, &r); err != nil {
			return nil, fmt.Errorf("run %s: %w", item.Key.Sort, err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}
