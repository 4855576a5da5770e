package schedule

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Create stores a schedule, if its maker may do what it does.
func (s Scheduler) Create(ctx context.Context, by access.Principal, spec Spec) (Schedule, error) {
	now := s.Store.now()
	if err := spec.Name.Check(); err != nil {
		return Schedule{}, err
	}
	if spec.Start.IsZero() {
		spec.Start = now.Truncate(time.Second)
	}
	is := Schedule{ID: s.Store.newID(), Tenant: by.Tenant, Spec: spec, Created: now, Updated: now, stamp: s.Store.newID()}
	is, err := s.checked(ctx, by, is, now)
	if err != nil {
		return Schedule{}, err
	}
	if err := s.Store.add(ctx, is); err != nil {
		return Schedule{}, err
	}
	s.wake(ctx, is)
	return is, nil
}

// checked returns a schedule as by makes it, due for the first time after now.
func (s Scheduler) checked(ctx context.Context, by access.Principal, is Schedule, now time.Time) (Schedule, error) {
	switch is.Spec.CatchUp {
	case "":
		is.Spec.CatchUp = Last
	case All, Last, Skip:
	default:
		return is, fault.New(fault.Invalid, "bad_catch_up", "%.40q is no way to catch up", string(is.Spec.CatchUp)).WithHint("all, last or skip")
	}
	t, err := is.Spec.Timetable()
	if err != nil {
		return is, err
	}
	if len(is.Spec.Job.Request) > MaxRequest {
		return is, fault.New(fault.TooLarge, "request_too_large", "what a schedule orders has at most %d KiB", MaxRequest>>10)
	}
	if is.Next = t.Next(now); is.Next.IsZero() {
		return is, fault.New(fault.Invalid, "never_due", "the schedule is never due again").WithHint("it has %s now", now.Format(time.RFC3339))
	}
	j, err := s.spec(ctx, by, is.Spec.Job)
	if err != nil {
		return is, err
	}
	is.Dataset, is.By, is.Trying = j.Dataset, Maker{ID: by.ID, Scopes: by.Scopes}, time.Time{}
	return is, nil
}

// Change says what to change of a schedule; what is absent stays.
type Change struct {
	Cron    *string    `json:"cron,omitempty" maxLength:"200" doc:"in the place of a rate or a time, too"`
	Rate    *string    `json:"rate,omitempty" maxLength:"40" doc:"in the place of a cron expression or a time, too"`
	At      *time.Time `json:"at,omitempty" doc:"in the place of a cron expression or a rate, too"`
	Start   *time.Time `json:"start,omitempty"`
	Zone    *string    `json:"zone,omitempty" maxLength:"64"`
	CatchUp *CatchUp   `json:"catch_up,omitempty" enum:"all,last,skip"`
	Paused  *bool      `json:"paused,omitempty"`
	Job     *Job       `json:"job,omitempty" doc:"its jobs are then those of who changes it"`
}

// timed reports whether the change is of when the schedule is due.
func (c Change) timed() bool {
	return c.Cron != nil || c.Rate != nil || c.At != nil || c.Start != nil || c.Zone != nil
}

func (c Change) apply(spec Spec, now time.Time) Spec {
	if c.Cron != nil || c.Rate != nil || c.At != nil {
		spec.Cron, spec.Rate, spec.At = valueOf(c.Cron), valueOf(c.Rate), valueOf(c.At)
		spec.Start = now.Truncate(time.Second)
	}
	set(&spec.Start, c.Start)
	set(&spec.Zone, c.Zone)
	set(&spec.CatchUp, c.CatchUp)
	set(&spec.Paused, c.Paused)
	set(&spec.Job, c.Job)
	return spec
}

func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

func valueOf[T any](p *T) (v T) {
	set(&v, p)
	return v
}

// Change changes a schedule from now on: what was due before is dealt with first. Who
// changes more than whether it is paused is its maker from then on, and must be allowed to
// do what it does.
func (s Scheduler) Change(ctx context.Context, by access.Principal, name Name, c Change) (Schedule, error) {
	if c.timed() || c.Job != nil || c.CatchUp != nil {
		if err := s.Fire(ctx, by.Tenant, name); err != nil {
			return Schedule{}, err
		}
	}
	return s.update(ctx, by.Tenant, name, func(is Schedule) (Schedule, error) {
		now := s.Store.now()
		next := is
		next.Spec, next.Updated = c.apply(is.Spec, now), now
		if !c.timed() && c.Job == nil && c.CatchUp == nil {
			return next, nil
		}
		next, err := s.checked(ctx, by, next, now)
		if !c.timed() {
			next.Next, next.Trying = is.Next, is.Trying
		}
		return next, err
	})
}

// update replaces a schedule by what f makes of it, again if somebody else did so meanwhile.
func (s Scheduler) update(ctx context.Context, t tenant.ID, name Name, f func(Schedule) (Schedule, error)) (Schedule, error) {
	const tries = 5
	var conflict error
	for range tries {
		is, err := s.Store.Get(ctx, t, name)
		if err != nil {
			return is, err
		}
		next, err := f(is)
		if err != nil {
			return is, err
		}
		if next, err = s.Store.replace(ctx, is, next); !fault.Is(err, fault.Conflict) {
			if err == nil {
				s.wake(ctx, next)
			}
			return next, err
		}
		conflict = err
	}
	return Schedule{}, conflict
}

// wake sets the alarm of a schedule, or clears it. One that is lost is found by the clock.
func (s Scheduler) wake(ctx context.Context, is Schedule) {
	var err error
	if len(is.entries()) == 0 {
		err = s.Alarm.Clear(ctx, is.Tenant, string(is.Spec.Name))
	} else {
		err = s.Alarm.Set(ctx, is.Tenant, string(is.Spec.Name), is.Next)
	}
	if err != nil {
		s.Log.WarnContext(ctx, "alarm", "name", is.Spec.Name, "error", err)
	}
}

// Delete ends a schedule. Jobs that it ordered go on.
func (s Scheduler) Delete(ctx context.Context, t tenant.ID, name Name) error {
	const tries = 5
	var err error
	for range tries {
		is, failed := s.Store.Get(ctx, t, name)
		if failed != nil {
			return failed
		}
		if err = s.Store.remove(ctx, is); !fault.Is(err, fault.Conflict) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := s.Alarm.Clear(ctx, t, string(name)); err != nil {
		s.Log.WarnContext(ctx, "alarm", "name", name, "error", err)
	}
	return nil
}

// RunNow orders the job of a schedule at once, beside its ticks, as its maker.
func (s Scheduler) RunNow(ctx context.Context, t tenant.ID, name Name) (job.ID, error) {
	is, err := s.Store.Get(ctx, t, name)
	if err != nil {
		return "", err
	}
	_, spec, err := s.order(ctx, is)
	if err != nil {
		return "", err
	}
	j, writes, told, err := s.Jobs.Place(t, spec)
	if err != nil {
		return "", err
	}
	now := s.Store.now()
	if err := s.record(ctx, is, is, Run{Tick: now, Outcome: Ordered, JobID: j.ID, Manual: true}, writes...); err != nil {
		return "", err
	}
	told(ctx)
	return j.ID, nil
}
