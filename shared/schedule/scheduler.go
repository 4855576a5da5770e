package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Order turns a request into the job that does it for a principal, as the route does that
// orders such a job at once. What the principal may not do is fault.Denied.
type Order func(ctx context.Context, p access.Principal, request json.RawMessage) (job.Spec, error)

// Who tells what somebody may do now, by the id of their principal. Who is not there any
// more, or disabled, is fault.Unauthenticated.
type Who func(ctx context.Context, t tenant.ID, id string) (access.Principal, error)

// Scheduler makes jobs of ticks. Its Store and its Jobs are in one table, so that a tick
// and its job are one transaction: there is no moment at which one is there without the
// other, and of two schedulers one has an effect.
type Scheduler struct {
	Store  Store
	Jobs   job.Jobs
	Orders map[job.Kind]Order // the kinds that can be scheduled
	Who    Who
	Alarm  alarm.Alarm
	Log    *slog.Logger
}

// How long a tick is tried that cannot be ordered for a fault that may pass, and how often.
const (
	patience = time.Hour
	again    = time.Minute
)

// ahead is how far the clock looks: alarms that are due by then are set again.
const ahead = 20 * time.Minute

// Fire deals with each tick of a schedule that is due, and sets the alarm for the next. It
// may be called at any time, by any number of callers.
func (s Scheduler) Fire(ctx context.Context, t tenant.ID, name Name) error {
	const steps = 2*MaxCatchUp + 50
	for range steps {
		is, err := s.Store.Get(ctx, t, name)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if is.Spec.Paused || is.Next.IsZero() {
			return nil
		}
		if now := s.Store.now(); is.Next.After(now) {
			return s.Alarm.Set(ctx, t, string(name), is.Next)
		}
		if err := s.advance(ctx, is); fault.Is(err, fault.Conflict) {
			continue // somebody else has dealt with it
		} else if err != nil {
			return errors.Join(err, s.Alarm.Set(ctx, t, string(name), s.Store.now().Add(again)))
		}
	}
	return s.Alarm.Set(ctx, t, string(name), s.Store.now())
}

// advance deals with the first tick that is due, or gives up those that are to be.
func (s Scheduler) advance(ctx context.Context, is Schedule) error {
	t, err := is.Spec.Timetable()
	if err != nil {
		return fmt.Errorf("schedule %s: %w", is.ID, err)
	}
	do := is.due(t, s.Store.now())
	next := is
	next.Next, next.Trying = do.next, time.Time{}
	if do.tick.IsZero() {
		return s.record(s.telling(ctx, is, "", string(Skipped)), is, next, do.skip)
	}
	return s.fire(ctx, is, next, Run{Tick: do.tick})
}

// fire orders the job of a run, and notes in the same transaction that it was.
func (s Scheduler) fire(ctx context.Context, is, next Schedule, r Run) error {
	p, spec, err := s.order(ctx, is)
	if err != nil {
		return s.failed(ctx, is, next, r, err)
	}
	j, writes, told, err := s.Jobs.Place(is.Tenant, spec)
	if err != nil {
		return s.failed(ctx, is, next, r, err)
	}
	r.Outcome, r.JobID = Ordered, j.ID
	if err := s.record(s.telling(ctx, is, p.Role, audit.Done), is, next, r, writes...); err != nil {
		return err
	}
	told(ctx)
	return nil
}

// order asks anew whether the maker of a schedule may do what it does.
func (s Scheduler) order(ctx context.Context, is Schedule) (access.Principal, job.Spec, error) {
	p, err := s.Who(ctx, is.Tenant, is.By.ID)
	if err != nil {
		return p, job.Spec{}, err
	}
	spec, err := s.spec(ctx, narrowed(p, is.By.Scopes), is.Spec.Job)
	return p, spec, err
}

// narrowed returns p with those of its scopes alone that the schedule's maker had.
func narrowed(p access.Principal, scopes []access.Action) access.Principal {
	switch {
	case len(scopes) == 0:
	case len(p.Scopes) == 0:
		p.Scopes = scopes
	default:
		p.Scopes = slices.DeleteFunc(slices.Clone(p.Scopes), func(a access.Action) bool { return !slices.Contains(scopes, a) })
		if len(p.Scopes) == 0 {
			p.Role = "" // no scopes would mean all of them
		}
	}
	return p
}

// spec returns the job that p would order.
func (s Scheduler) spec(ctx context.Context, p access.Principal, j Job) (job.Spec, error) {
	order, ok := s.Orders[j.Kind]
	if !ok {
		return job.Spec{}, fault.New(fault.Invalid, "bad_job_kind", "jobs of kind %.40q cannot be scheduled", string(j.Kind)).WithHint("one of %v", s.kinds())
	}
	spec, err := order(ctx, p, j.Request)
	if err == nil && spec.Key != "" {
		err = fault.New(fault.Invalid, "idempotency_key_scheduled", "with an idempotency key all runs would be the first one").WithHint("leave it out: no tick is run twice")
	}
	return spec, err
}

func (s Scheduler) kinds() (all []job.Kind) {
	for kind := range s.Orders {
		all = append(all, kind)
	}
	slices.Sort(all)
	return all
}

// failed notes that a run was not ordered. If that may pass, it is first tried again.
func (s Scheduler) failed(ctx context.Context, is, next Schedule, r Run, why error) error {
	now := s.Store.now()
	switch fault.KindOf(why) {
	case fault.Unavailable, fault.Throttled, fault.Internal, fault.Conflict:
		if r.Manual {
			return why
		}
		if is.Trying.IsZero() {
			tried := is
			tried.Trying = now
			_, err := s.Store.replace(s.telling(ctx, is, "", job.FailureOf(why).Code), is, tried)
			return errors.Join(passing(why), err)
		}
		if now.Sub(is.Trying) < patience {
			return passing(why)
		}
	}
	r.Outcome, r.Error = Failed, job.FailureOf(why)
	return s.record(s.telling(ctx, is, "", r.Error.Code), is, next, r)
}

// passing is an error that is no fault.Conflict, which would mean that somebody else has
// dealt with the tick.
func passing(why error) error {
	if fault.Is(why, fault.Conflict) {
		return fault.Wrap(fault.Unavailable, "order_conflict", why)
	}
	return why
}

// record moves a schedule on, with what became of a run.
func (s Scheduler) record(ctx context.Context, was, next Schedule, r Run, more ...table.Write) error {
	r.At = s.Store.now()
	item, err := was.runItem(r)
	if err != nil {
		return err
	}
	_, err = s.Store.replace(ctx, was, next, append(more, table.Put(item).If(table.Absent))...)
	return err
}

// telling has the audit log told of a run.
func (s Scheduler) telling(ctx context.Context, is Schedule, role access.Role, outcome string) context.Context {
	return audit.With(ctx, func() audit.Event {
		return audit.Event{Tenant: is.Tenant, By: is.By.ID, Role: role, Action: audit.RunSchedule, On: map[string]string{"schedule": string(is.Spec.Name)}, Outcome: outcome}
	})
}

// Look finds by the clock what is due and no alarm told of, and sets alarms again that are
// due soon. What fails for one schedule holds up no other for longer than a minute.
func (s Scheduler) Look(ctx context.Context) error {
	var errs []error
	for next := ""; ; {
		page, err := s.Store.Table.List(ctx, table.Query{Partition: clock, Next: next, Limit: 100})
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, item := range page.Items {
			e, err := entryOf(item.Key)
			if err == nil && e.at.After(s.Store.now().Add(ahead)) || ctx.Err() != nil {
				return errors.Join(append(errs, ctx.Err())...)
			}
			if err == nil {
				err = s.fireSoon(ctx, e)
			}
			errs = append(errs, err)
		}
		if next = page.Next; next == "" {
			return errors.Join(errs...)
		}
	}
}

// fireSoon is Fire in bounded time.
func (s Scheduler) fireSoon(ctx context.Context, e entry) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := s.Fire(ctx, e.tenant, e.name)
	if err != nil {
		err = fmt.Errorf("schedule %s of %s: %w", e.name, e.tenant, err)
	}
	return err
}
