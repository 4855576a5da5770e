// Package jobs holds the endpoints that tell of jobs and stop or repeat them. A caller
// sees their own jobs, and those who manage jobs see all; another's is not found.
package jobs

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Deps is what the endpoints need.
type Deps struct {
	Jobs job.Jobs
	Now  func() time.Time
	Poll func(context.Context) error // waits until a stream looks again, or fails when ctx ends

	Results map[job.Kind]Result // a kind that is not there is shown as it is
}

// Result turns what a Runner returned into what the job's owner is shown.
type Result func(context.Context, job.Job) (any, error)

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.ListJobs, d.list)
	api.Handle(s, route.GetJob, d.get)
	api.Raw(s, route.WatchJob, nil, View{}, d.watch)
	api.Handle(s, route.GetJobLog, d.log)
	api.Handle(s, route.CancelJob, d.cancel)
	api.Handle(s, route.RetryJob, d.retry)
}

// View is a job as its owner sees it.
type View struct {
	ID          job.ID       `json:"job_id"`
	Kind        job.Kind     `json:"kind" example:"export"`
	Dataset     dataset.Name `json:"dataset,omitempty"`
	State       job.State    `json:"state" enum:"queued,running,done,failed,cancelled"`
	Progress    float64      `json:"progress" doc:"0 to 1; 0 where nobody knows how much there is" example:"0.42"`
	Done        int64        `json:"done" doc:"in units of the kind's choice"`
	Total       int64        `json:"total" doc:"0: not known"`
	Rows        int64        `json:"rows"`
	Bytes       int64        `json:"bytes"`
	Rate        float64      `json:"rate" doc:"units a second, of the last run"`
	SecondsLeft *float64     `json:"seconds_left,omitempty" doc:"absent where nobody can say"`
	Tries       int          `json:"tries" doc:"that failed since the job last got on"`
	MaxTries    int          `json:"max_tries" doc:"after as many in a row it has failed"`
	Due         *time.Time   `json:"due,omitempty" doc:"when a queued job is tried again; absent: at once"`
	Result      any          `json:"result,omitempty" doc:"of a job that is done"`
	Error       *job.Failure `json:"error,omitempty" doc:"the last failure, of which a job may have recovered"`
	Submitted   time.Time    `json:"submitted"`
	Started     *time.Time   `json:"started,omitempty"`
	Deadline    *time.Time   `json:"deadline,omitempty" doc:"of a job that was started: when it fails unless it has ended"`
	Updated     time.Time    `json:"updated"`
	Ended       *time.Time   `json:"ended,omitempty"`
	Expires     time.Time    `json:"expires" doc:"until when the job is remembered"`
}

// view shows a job without its result.
func view(j job.Job) View {
	v := View{ID: j.ID, Kind: j.Kind, Dataset: j.Dataset, State: j.State, Progress: j.Share(), Done: j.Progress.Done, Total: j.Progress.Total,
		Rows: j.Progress.Rows, Bytes: j.Progress.Bytes, Rate: j.Rate(), Tries: j.Tries, MaxTries: j.MaxTries, Error: j.Error, Submitted: j.Submitted,
		Updated: j.Updated, Expires: j.Expires, Due: given(j.Due), Started: given(j.Started), Ended: given(j.Ended)}
	if !j.Started.IsZero() && !j.State.Ended() {
		v.Deadline = given(j.Started.Add(j.Limit))
	}
	if left, ok := j.Left(); ok {
		seconds := left.Seconds()
		v.SecondsLeft = &seconds
	}
	return v
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// show shows a job with its result.
func (d Deps) show(ctx context.Context, j job.Job) (View, error) {
	v := view(j)
	if j.State != job.Done {
		return v, nil
	}
	present, ok := d.Results[j.Kind]
	if !ok {
		v.Result = json.RawMessage(j.Result)
		return v, nil
	}
	var err error
	v.Result, err = present(ctx, j)
	return v, err
}

// sees reports whether a job is the caller's, or theirs to manage.
func (d Deps) sees(caller access.Principal, j job.Job) bool {
	if caller.Dataset != "" && caller.Dataset != j.Dataset {
		return false
	}
	return j.By == caller.ID || caller.Allow(access.ManageJobs, caller.Dataset, d.Now()) == nil
}

// find returns a job that the caller sees.
func (d Deps) find(ctx context.Context, caller access.Principal, id job.ID) (job.Job, error) {
	j, err := d.Jobs.Get(ctx, caller.Tenant, id)
	if err == nil && !d.sees(caller, j) {
		err = fault.New(fault.NotFound, "job_not_found", "there is no job %.40q", string(id))
	}
	return j, err
}

// named is the input of the endpoints that concern one job.
type named struct {
	ID job.ID `path:"job_id" maxLength:"64" example:"019d3678e4fb0q8x3v2m1k7z"`
}

type one struct{ Body View }

func (d Deps) get(ctx context.Context, caller access.Principal, in *named) (*one, error) {
	j, err := d.find(ctx, caller, in.ID)
	if err != nil {
		return nil, err
	}
	v, err := d.show(ctx, j)
	return &one{v}, err
}

// page is a page of the list.
type page struct {
	Jobs []View `json:"jobs" doc:"the newest first, without results"`
	Next string `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) list(ctx context.Context, caller access.Principal, in *struct {
	State job.State `query:"state" enum:"queued,running,done,failed,cancelled"`
	Limit int       `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"a page may be shorter"`
	Next  string    `query:"next" maxLength:"1000"`
}) (*struct{ Body page }, error) {
	jobs, next, err := d.Jobs.List(ctx, caller.Tenant, in.State, in.Next, in.Limit)
	out := &struct{ Body page }{page{Jobs: []View{}, Next: next}}
	for _, j := range jobs {
		if d.sees(caller, j) {
			out.Body.Jobs = append(out.Body.Jobs, view(j))
		}
	}
	return out, err
}

func (d Deps) log(ctx context.Context, caller access.Principal, in *named) (*struct{ Body job.Log }, error) {
	j, err := d.find(ctx, caller, in.ID)
	if err != nil {
		return nil, err
	}
	log, err := d.Jobs.Log(ctx, caller.Tenant, j.ID)
	return &struct{ Body job.Log }{log}, err
}

func (d Deps) cancel(ctx context.Context, caller access.Principal, in *named) (*one, error) {
	return d.decide(ctx, caller, in.ID, d.Jobs.Cancel)
}

func (d Deps) retry(ctx context.Context, caller access.Principal, in *named) (*one, error) {
	return d.decide(ctx, caller, in.ID, d.Jobs.Retry)
}

// decide changes a job that the caller sees.
func (d Deps) decide(ctx context.Context, caller access.Principal, id job.ID, what func(context.Context, tenant.ID, job.ID) (job.Job, error)) (*one, error) {
	if _, err := d.find(ctx, caller, id); err != nil {
		return nil, err
	}
	j, err := what(ctx, caller.Tenant, id)
	return &one{view(j)}, err
}
