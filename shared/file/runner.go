package file

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

// Kind is that of jobs that load files.
const Kind job.Kind = "load"

// request is what a job is to do: to load a file, or to fail in sight, for one that can be
// none.
type request struct {
	File    ID           `json:"file,omitempty"`
	Refused *job.Failure `json:"refused,omitempty"`
}

// Job returns the job that loads a file as it is to be loaded now: a try of it that comes
// after a change does what the first one did.
func (f File) Job(by string) (job.Spec, error) {
	text, err := json.Marshal(request{File: f.ID})
	if err != nil {
		return job.Spec{}, err
	}
	pinned, err := json.Marshal(f.Spec)
	return job.Spec{Kind: Kind, Dataset: f.Dataset, By: by, Request: text, Pinned: pinned}, err
}

// Refused returns the job that fails in the stead of one that would load a file.
func Refused(d dataset.Name, by string, why error) (job.Spec, error) {
	text, err := json.Marshal(request{Refused: job.FailureOf(why)})
	return job.Spec{Kind: Kind, Dataset: d, By: by, Request: text}, err
}

// Runner does the jobs.
type Runner struct {
	Catalog dataset.Catalog
	Files   Store
	Loading
}

// Run implements job.Runner. The load is one step: a file counts as a whole.
func (r Runner) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	var asked request
	if err := json.Unmarshal(j.Request, &asked); err != nil {
		return nil, fault.New(fault.Invalid, "bad_request", "the job's request cannot be read").Because(err)
	}
	if why := asked.Refused; why != nil {
		return nil, fault.New(fault.Invalid, why.Code, "%s", why.Message).WithHint("%s", why.Hint)
	}
	d, err := r.Catalog.Get(ctx, j.Tenant, j.Dataset)
	if err != nil {
		return nil, err
	}
	f, err := r.Files.Get(ctx, j.Tenant, d, asked.File)
	if err != nil {
		return nil, err
	}
	src, err := r.Files.Source(ctx, j.Tenant, f)
	if err != nil {
		return nil, err
	}
	if len(j.Pinned) > 0 {
		f.Spec = Spec{}
		if err := json.Unmarshal(j.Pinned, &f.Spec); err != nil {
			return nil, fmt.Errorf("pinned of job %s: %w", j.ID, err)
		}
	}
	order := Order{Spec: f.Spec, ID: string(j.ID), Arrived: j.Submitted.UnixMicro()}
	return r.Load(ctx, j.Tenant, d, order, src, func(read, size, rows int64) {
		at.Report(job.Progress{Done: read, Total: size, Rows: rows, Bytes: read})
	})
}
