package build

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
)

// The kinds of jobs.
const (
	Kind      job.Kind = "models" // build models
	TrialKind job.Kind = "models-dry-run"
)

// Request is which models are to be built. The zero Request is all of them, of each what
// changed.
type Request struct {
	Models []dataset.Name `json:"models,omitempty" maxItems:"200" doc:"these, and what depends on them; absent: all" example:"[\"daily\"]"`
	Run    model.Cadence  `json:"run,omitempty" enum:"hourly,daily,weekly,on_change" doc:"those that are run so, and what depends on them"`
	Full   bool           `json:"full,omitempty" doc:"all of each, and not only what changed"`
	From   time.Time      `json:"from,omitzero" doc:"with until: the parts of this period anew, of models that are built by time; of others, all"`
	Until  time.Time      `json:"until,omitzero"`
}

// Check returns fault.Invalid for what cannot be built of a project.
func (r Request) Check(p model.Project) error {
	for _, name := range r.Models {
		if _, ok := p.Model(name); !ok {
			return fault.New(fault.Invalid, "model_not_found", "there is no model %q", name).WithHint("GET /v1/models lists them")
		}
	}
	if r.From.IsZero() != r.Until.IsZero() || !r.From.IsZero() && !r.From.Before(r.Until) {
		return fault.New(fault.Invalid, "bad_period", "a period has from and, later, until")
	}
	return nil
}

// Of returns what is to be built of a project, in order.
func (r Request) Of(p model.Project) []model.Model {
	names := slices.Clone(r.Models)
	for _, m := range p.Models {
		if r.Models == nil && (r.Run == "" || m.Cadence == r.Run) {
			names = append(names, m.Name)
		}
	}
	return p.Below(names...)
}

// order is what a job asks of one model.
func (r Request) order(id job.ID, m model.Model) Order {
	byTime := m.Incremental != nil && m.Incremental.Grain != ""
	o := Order{ID: load.ID(id), Full: r.Full || !r.From.IsZero() && !byTime}
	if !r.From.IsZero() && byTime {
		o.Period = &Period{r.From.UnixMicro(), r.Until.UnixMicro()}
	}
	return o
}

// Pinned is what a job goes by however the folder changes meanwhile: a version of it or, of a
// dry run, files that are no version.
type Pinned struct {
	Version int         `json:"version"`
	Files   model.Files `json:"files,omitempty"`
}

// Job returns the job that builds models, or tells what that would change.
func Job(kind job.Kind, r Request, pinned Pinned, by, key string) (job.Spec, error) {
	request, err := json.Marshal(r)
	if err != nil {
		return job.Spec{}, err
	}
	pin, err := json.Marshal(pinned)
	return job.Spec{Kind: kind, By: by, Request: request, Pinned: pin, Key: key}, err
}

// Runner does both kinds of jobs.
type Runner struct {
	Builder Builder
	Models  model.Store
	Trial   bool // it tells what a build would change, and builds nothing
}

// Result is what a job that is done returns.
type Result struct {
	Models []model.Status `json:"models,omitempty"`
}

// Told is what a dry run returns.
type Told struct {
	Differences []Difference `json:"differences"`
}

// state is the checkpoint of a build.
type state struct {
	Done []model.Status `json:"done,omitempty"`
}

// Run implements job.Runner.
func (r Runner) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	asked, p, err := r.read(ctx, j)
	if err != nil {
		return nil, err
	}
	if r.Trial {
		return r.try(ctx, j, p, asked, at)
	}
	return r.build(ctx, j, p, asked, at)
}

func (r Runner) read(ctx context.Context, j job.Job) (asked Request, p model.Project, err error) {
	var pinned Pinned
	if err := json.Unmarshal(j.Request, &asked); err != nil {
		return asked, p, fmt.Errorf("request of job %s: %w", j.ID, err)
	}
	if err := json.Unmarshal(j.Pinned, &pinned); err != nil {
		return asked, p, fmt.Errorf("pinned of job %s: %w", j.ID, err)
	}
	folder := model.Folder{Files: pinned.Files}
	if pinned.Files == nil {
		if folder, err = r.Models.Folder(ctx, j.Tenant, pinned.Version); err != nil {
			return asked, p, err
		}
	}
	p, err = folder.Project()
	return asked, p, err
}

// build builds one model after the other. One that fails stops those that depend on it, and
// no other.
func (r Runner) build(ctx context.Context, j job.Job, p model.Project, asked Request, at job.Checkpointer) (any, error) {
	var s state
	if len(j.Checkpoint) > 0 {
		if err := json.Unmarshal(j.Checkpoint, &s); err != nil {
			return nil, fmt.Errorf("checkpoint of job %s: %w", j.ID, err)
		}
	}
	all := asked.Of(p)
	if len(s.Done) == len(all) {
		s.Done = nil // it ended, failed and is tried again
	}
	broken := map[dataset.Name]bool{}
	for i, m := range all {
		if i < len(s.Done) {
			broken[m.Name] = s.Done[i].Outcome == model.Failed || s.Done[i].Outcome == model.Skipped
			continue
		}
		status, err := r.one(ctx, j, m, asked, broken)
		if err != nil {
			return nil, err
		}
		status.Version, status.JobID = p.Version, j.ID
		if err := r.Models.SetStatus(ctx, j.Tenant, status); err != nil {
			return nil, err
		}
		broken[m.Name] = status.Outcome == model.Failed || status.Outcome == model.Skipped
		at.Logf("%s: %s, %d rows%s", m.Name, status.Outcome, status.Rows, why(status))
		s.Done = append(s.Done, status)
		if err := at.Save(ctx, s, job.Progress{Done: int64(i + 1), Total: int64(len(all)), Rows: total(s.Done)}); err != nil {
			return nil, err
		}
	}
	return r.ended(s.Done)
}

// ended is the job's result, or its failure where a model failed: what failed is said of the
// job, and what was built is built.
func (r Runner) ended(done []model.Status) (any, error) {
	var failed []dataset.Name
	for _, status := range done {
		if status.Outcome == model.Failed {
			failed = append(failed, status.Model)
		}
	}
	if len(failed) == 0 {
		return Result{Models: done}, nil
	}
	first := done[slices.IndexFunc(done, func(s model.Status) bool { return s.Outcome == model.Failed })]
	return nil, fault.New(fault.Invalid, "models_failed", "%d of %d models failed; %s: %s", len(failed), len(done), first.Model, first.Error.Message).
		WithHint("what they were built last is there still; GET /v1/models tells of each")
}

func why(s model.Status) string {
	if s.Error == nil {
		return ""
	}
	return ": " + s.Error.Message
}

func total(done []model.Status) (rows int64) {
	for _, s := range done {
		rows += s.Rows
	}
	return rows
}

// one builds a model. Its error is the job's own: it is tried again.
func (r Runner) one(ctx context.Context, j job.Job, m model.Model, asked Request, broken map[dataset.Name]bool) (model.Status, error) {
	began := r.Models.Now()
	status := model.Status{Model: m.Name}
	if i := slices.IndexFunc(m.Refs, func(ref dataset.Name) bool { return broken[ref] }); i >= 0 {
		status.Outcome, status.At = model.Skipped, began.UTC()
		status.Error = &job.Failure{Code: "input_failed", Message: fmt.Sprintf("%q, which it reads, was not built", m.Refs[i])}
		return status, nil
	}
	report, err := r.Builder.Build(ctx, j.Tenant, m, asked.order(j.ID, m))
	now := r.Models.Now()
	status.At, status.Seconds = now.UTC(), now.Sub(began).Seconds()
	switch {
	case err == nil:
		status.Outcome, status.Full, status.Parts, status.Rows, status.Replaced = report.Outcome, report.Full, report.Parts, report.Rows, report.Replaced
	case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound), fault.Is(err, fault.TooLarge):
		status.Outcome, status.Error = model.Failed, job.FailureOf(err)
	default:
		return status, err
	}
	return status, nil
}

// try tells what a build would change, and begins anew where it is interrupted.
func (r Runner) try(ctx context.Context, j job.Job, p model.Project, asked Request, at job.Checkpointer) (_ any, err error) {
	x := r.Builder.Try(j.Tenant)
	defer func() {
		if closed := x.Close(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
	}()
	told := Told{Differences: []Difference{}}
	all := asked.Of(p)
	for i, m := range all {
		d, err := x.Build(ctx, m, asked.order(j.ID, m))
		if err != nil {
			return nil, err
		}
		told.Differences = append(told.Differences, d)
		at.Report(job.Progress{Done: int64(i + 1), Total: int64(len(all)), Rows: d.After})
	}
	return told, nil
}
