package server

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/functions/scheduler"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/schedule"
)

// newScheduler makes the scheduler. Its alarms are timers, which ring once it is there.
func (s *Server) newScheduler(seen gate.Gate, bounds *limit.Store) schedule.Scheduler {
	s.alarms = &embedded.Alarms{Now: s.options.Now, Ring: s.ring}
	s.scheduler = scheduler.New(scheduler.Deps{Table: s.trail.Table(), Queue: s.jobs.Queue, Alarm: s.alarms, Directory: s.provider,
		Gate: seen, Limits: bounds, Now: s.options.Now, Log: s.options.Log})
	return s.scheduler
}

// ring has a scheduler answer an alarm, or hands it to the next look where too many ring.
func (s *Server) ring(c alarm.Call) {
	select {
	case s.rung <- c:
	default:
	}
}

// schedule fires what is due: at once, when an alarm rings, and by the clock.
func (s *Server) schedule(ctx context.Context) {
	defer s.alarms.Close()
	answer := func(c alarm.Call) {
		if err := scheduler.Answer(ctx, s.scheduler, c); err != nil && ctx.Err() == nil {
			s.options.Log.Error("schedules", "error", err)
		}
	}
	answer(alarm.Call{})
	ticks := time.NewTicker(route.Remind.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			answer(alarm.Call{})
		case c := <-s.rung:
			answer(c)
		}
	}
}
