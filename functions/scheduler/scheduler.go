// Package scheduler fires schedules: those that an alarm tells of, and whenever the clock
// says so all that are due (docs/schedules.md).
package scheduler

import (
	"context"
	"log/slog"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/export"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/identity"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/people"
	"github.com/tarnhq/tarn/shared/queue"
	"github.com/tarnhq/tarn/shared/saved"
	"github.com/tarnhq/tarn/shared/schedule"
	"github.com/tarnhq/tarn/shared/table"
)

// Deps is what a scheduler is made of. Its table is the audited one.
type Deps struct {
	Table     table.Table
	Queue     queue.Queue
	Alarm     alarm.Alarm
	Directory identity.Directory
	Gate      gate.Gate
	Limits    *limit.Store
	Now       func() time.Time
	Log       *slog.Logger
}

// New returns a scheduler for every kind of job that can be scheduled.
func New(d Deps) schedule.Scheduler {
	exports := export.Orders{Gate: d.Gate, Saved: saved.Store{Table: d.Table, Now: d.Now}, Limits: d.Limits}
	syncs := connector.Orders{Store: connector.Store{Table: d.Table, Now: d.Now}, Now: d.Now}
	makers := schedule.Makers{
		People: people.People{Directory: d.Directory, Standings: access.People{Table: d.Table, Now: d.Now}},
		Keys:   access.Keys{Table: d.Table, Now: d.Now},
		Grants: d.Gate.Rules.GrantedTo,
	}
	return schedule.Scheduler{
		Store:  schedule.Store{Table: d.Table, Now: d.Now},
		Jobs:   job.Jobs{Table: d.Table, Queue: d.Queue, Now: d.Now, Lost: func(err error) { d.Log.Error("hint", "error", err) }},
		Orders: map[job.Kind]schedule.Order{export.Kind: exports.Order, connector.Sync: syncs.Order},
		Who:    makers.Who,
		Alarm:  d.Alarm,
		Log:    d.Log,
	}
}

// Answer does what an alarm or the clock, whose call names nothing, wants.
func Answer(ctx context.Context, s schedule.Scheduler, c alarm.Call) error {
	if c.Name == "" {
		return s.Look(ctx)
	}
	return s.Fire(ctx, c.Tenant, schedule.Name(c.Name))
}
