// Package schedules holds the endpoints that have jobs ordered again and again. A caller
// sees their own schedules, and those who manage jobs see all; another's is not found.
package schedules

import (
	"context"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/schedule"
)

// Deps is what the endpoints need.
type Deps struct {
	Scheduler schedule.Scheduler
	Now       func() time.Time
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.CreateSchedule, d.create)
	api.Handle(s, route.ListSchedules, d.list)
	api.Handle(s, route.GetSchedule, d.get)
	api.Handle(s, route.ChangeSchedule, d.change)
	api.Handle(s, route.DeleteSchedule, d.remove)
	api.Handle(s, route.PreviewSchedule, d.preview)
	api.Handle(s, route.RunSchedule, d.run)
}

// shownRuns and shownTicks bound what is shown of the past and of the future.
const (
	shownRuns  = 20
	shownTicks = 5
)

// tick is when a schedule is due.
type tick struct {
	UTC   time.Time `json:"utc"`
	Local string    `json:"local" doc:"by the clock of the schedule's zone" example:"2026-03-29T03:00:00+02:00"`
}

// View is a schedule as its owner sees it.
type View struct {
	schedule.Spec
	By      string         `json:"by" doc:"whose jobs it orders: who made it, or changed what it does last"`
	Dataset dataset.Name   `json:"dataset,omitempty" doc:"that its jobs concern"`
	Created time.Time      `json:"created"`
	Updated time.Time      `json:"updated"`
	Next    []tick         `json:"next" doc:"the next runs, five at most; none of a schedule that is paused or over"`
	Runs    []schedule.Run `json:"runs,omitempty" doc:"the last 20, the latest first"`
}

func (d Deps) view(is schedule.Schedule) View {
	v := View{Spec: is.Spec, By: is.By.ID, Dataset: is.Dataset, Created: is.Created, Updated: is.Updated, Next: []tick{}}
	if is.Spec.Paused {
		return v
	}
	if next, err := d.next(is.Spec); err == nil {
		v.Next = next
	}
	return v
}

// next returns when a schedule is due from now on.
func (d Deps) next(spec schedule.Spec) ([]tick, error) {
	timetable, err := spec.Timetable()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(spec.Zone)
	if err != nil {
		return nil, err
	}
	next := []tick{}
	for at := timetable.Next(d.Now()); !at.IsZero() && len(next) < shownTicks; at = timetable.Next(at) {
		next = append(next, tick{at, at.In(zone).Format(time.RFC3339)})
	}
	return next, nil
}

// sees reports whether a schedule is the caller's, or theirs to manage.
func (d Deps) sees(caller access.Principal, is schedule.Schedule) bool {
	if caller.Dataset != "" && caller.Dataset != is.Dataset {
		return false
	}
	return is.By.ID == caller.ID || caller.Allow(access.ManageJobs, caller.Dataset, d.Now()) == nil
}

// find returns a schedule that the caller sees.
func (d Deps) find(ctx context.Context, caller access.Principal, name schedule.Name) (schedule.Schedule, error) {
	is, err := d.Scheduler.Store.Get(ctx, caller.Tenant, name)
	if err == nil && !d.sees(caller, is) {
		err = fault.New(fault.NotFound, "schedule_not_found", "there is no schedule %.70q", string(name))
	}
	return is, err
}

// named is the input of the endpoints that concern one schedule.
type named struct {
	Name schedule.Name `path:"name" maxLength:"63" example:"nightly-orders"`
}

type one struct{ Body View }

func (d Deps) create(ctx context.Context, caller access.Principal, in *struct{ Body schedule.Spec }) (*one, error) {
	is, err := d.Scheduler.Create(ctx, caller, in.Body)
	return &one{d.view(is)}, err
}

func (d Deps) get(ctx context.Context, caller access.Principal, in *named) (*one, error) {
	is, err := d.find(ctx, caller, in.Name)
	if err != nil {
		return nil, err
	}
	v := d.view(is)
	v.Runs, err = d.Scheduler.Store.Runs(ctx, is, shownRuns)
	return &one{v}, err
}

// page is a page of the list.
type page struct {
	Schedules []View `json:"schedules" doc:"by name, without their runs"`
	Next      string `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"a page may be shorter"`
	Next  string `query:"next" maxLength:"1000"`
}) (*struct{ Body page }, error) {
	all, next, err := d.Scheduler.Store.List(ctx, caller.Tenant, in.Next, in.Limit)
	out := &struct{ Body page }{page{Schedules: []View{}, Next: next}}
	for _, is := range all {
		if d.sees(caller, is) {
			out.Body.Schedules = append(out.Body.Schedules, d.view(is))
		}
	}
	return out, err
}

func (d Deps) change(ctx context.Context, caller access.Principal, in *struct {
	Name schedule.Name `path:"name" maxLength:"63" example:"nightly-orders"`
	Body schedule.Change
}) (*one, error) {
	if _, err := d.find(ctx, caller, in.Name); err != nil {
		return nil, err
	}
	is, err := d.Scheduler.Change(ctx, caller, in.Name, in.Body)
	return &one{d.view(is)}, err
}

func (d Deps) remove(ctx context.Context, caller access.Principal, in *named) (*struct{}, error) {
	if _, err := d.find(ctx, caller, in.Name); err != nil {
		return nil, err
	}
	return nil, d.Scheduler.Delete(ctx, caller.Tenant, in.Name)
}

// timing is of a schedule what says when it is due.
type timing struct {
	Cron  string    `json:"cron,omitempty" maxLength:"200" example:"30 2 * * MON-FRI"`
	Rate  string    `json:"rate,omitempty" maxLength:"40"`
	At    time.Time `json:"at,omitzero"`
	Start time.Time `json:"start,omitzero" doc:"absent: now"`
	Zone  string    `json:"zone,omitempty" maxLength:"64" example:"Europe/Zurich"`
}

type previewed struct {
	Body struct {
		Next []tick `json:"next" doc:"the next runs, five at most"`
	}
}

func (d Deps) preview(_ context.Context, _ access.Principal, in *struct{ Body timing }) (*previewed, error) {
	t := in.Body
	if t.Start.IsZero() {
		t.Start = d.Now().Truncate(time.Second)
	}
	out := &previewed{}
	var err error
	out.Body.Next, err = d.next(schedule.Spec{Cron: t.Cron, Rate: t.Rate, At: t.At, Start: t.Start, Zone: t.Zone})
	return out, err
}

func (d Deps) run(ctx context.Context, caller access.Principal, in *named) (*api.Ordered, error) {
	if _, err := d.find(ctx, caller, in.Name); err != nil {
		return nil, err
	}
	id, err := d.Scheduler.RunNow(ctx, caller.Tenant, in.Name)
	return api.OrderedJob(id), err
}
