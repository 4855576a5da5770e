package erasure

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/lake"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Answers are what processes share of answers.
type Answers interface {
	Clear(ctx context.Context, t tenant.ID) (int, error)
}

// Audit is a log of which the payloads can be erased.
type Audit interface {
	Erase(ctx context.Context, t tenant.ID, by string, match func(payload []byte) bool) (int, error)
}

// Runner does erasures. What a deployment does not have is nil.
type Runner struct {
	Catalog  dataset.Catalog
	Manifest manifest.Store
	Jobs     job.Jobs // whose exports are of which dataset
	Now      func() time.Time
	Remains  []Remains // what keeps copies for a while that nobody can rewrite

	Engine  engine.Reader                                           // finds what a filter matches
	Seal    func(context.Context, tenant.ID, dataset.Name) error    // what is in memory
	Swapped func(context.Context, tenant.ID, dataset.Dataset) error // told before old segments go
	Known   *segment.Cache                                          // of a process that folds, too: what it knows of ids
	Lake    *lake.Publisher                                         // shows the open tables
	Answers Answers
	Audit   Audit
	Purge   func(context.Context) error // has the stream forget what is sealed, and the table what was overwritten
}

// Remains is something that keeps what was erased for a while.
type Remains struct {
	What string
	For  time.Duration
}

// state is the checkpoint of an erasure.
type state struct {
	Edition suppression.Edition `json:"edition,omitempty"`
	Begun   bool                `json:"begun,omitempty"`   // suppressed, and deleted datasets are gone
	After   dataset.Name        `json:"after,omitempty"`   // datasets through this one are done
	Done    int64               `json:"done,omitempty"`    // datasets
	Rows    int64               `json:"rows,omitempty"`    // erased
	All     bool                `json:"all,omitempty"`     // datasets are done
	Cleaned bool                `json:"cleaned,omitempty"` // exports and answers are gone
	Deleted Deleted             `json:"deleted,omitzero"`
}

// run is one run of a job.
type run struct {
	Runner
	state
	order
	job   job.Job
	at    job.Checkpointer
	salt  suppression.Salt
	whose map[suppression.Hash]bool // of the names of the subject
	cache *segment.Cache            // of what is looked for somebody in
}

const cacheMemory = 16 << 20

// Run implements job.Runner.
func (r Runner) Run(ctx context.Context, j job.Job, at job.Checkpointer) (any, error) {
	x := &run{Runner: r, job: j, at: at, cache: segment.NewCache(r.Manifest.Blobs, cacheMemory)}
	if err := json.Unmarshal(j.Request, &x.order); err != nil {
		return nil, fmt.Errorf("request of job %s: %w", j.ID, err)
	}
	if len(j.Checkpoint) > 0 {
		if err := json.Unmarshal(j.Checkpoint, &x.state); err != nil {
			return nil, fmt.Errorf("checkpoint of job %s: %w", j.ID, err)
		}
	}
	for _, step := range []func(context.Context) error{x.begin, x.datasets, x.clean, x.purge} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return x.certificate(ctx)
}

func (x *run) suppressions() suppression.Store {
	return suppression.Store{Table: x.Manifest.Table}
}

// begin suppresses the subject, before anything else: what is looked through after that
// gets no more rows of it. Deleted datasets, which wait for the sweeper, go now.
func (x *run) begin(ctx context.Context) (err error) {
	if x.salt, err = x.suppressions().Salt(ctx, x.job.Tenant); err != nil {
		return err
	}
	x.whose = map[suppression.Hash]bool{}
	for _, name := range x.names() {
		h, err := suppression.ParseHash(name.Hash)
		if err != nil {
			return err
		}
		x.whose[h] = true
	}
	if x.Begun {
		return nil
	}
	for h := range x.whose {
		edition, err := x.suppressions().Add(ctx, x.job.Tenant, h, x.Only)
		if err != nil {
			return err
		}
		x.Edition = max(x.Edition, edition)
	}
	if x.Only == "" {
		if err := x.bury(ctx); err != nil {
			return err
		}
	}
	x.Begun = true
	return x.save(ctx)
}

func (x *run) bury(ctx context.Context) error {
	for next := ""; ; {
		all, more, err := x.Catalog.Deleted(ctx, x.job.Tenant, next)
		if err != nil {
			return err
		}
		for _, d := range all {
			blobs, _, err := x.Manifest.Delete(ctx, x.job.Tenant, d.ID)
			if err != nil {
				return err
			}
			x.Deleted.Files += blobs
		}
		if next = more; next == "" {
			return nil
		}
	}
}

// datasets erases in one dataset after the other, in the order of their names.
func (x *run) datasets(ctx context.Context) error {
	if x.All {
		return nil
	}
	all, err := x.inScope(ctx)
	if err != nil {
		return err
	}
	for i, d := range all {
		if d.Name <= x.After {
			continue
		}
		if err := x.dataset(ctx, d); err != nil {
			return err
		}
		x.After, x.Done = d.Name, int64(i+1)
		if err := x.save(ctx); err != nil {
			return err
		}
	}
	x.All = true
	return x.save(ctx)
}

// inScope lists the datasets that are meant.
func (x *run) inScope(ctx context.Context) (all []dataset.Dataset, err error) {
	if x.Only != "" {
		d, err := x.Catalog.ByID(ctx, x.job.Tenant, x.Only)
		if fault.Is(err, fault.NotFound) {
			return nil, x.bury(ctx) // deleted meanwhile
		}
		return []dataset.Dataset{d}, err
	}
	for next := ""; ; {
		page, more, err := x.Catalog.List(ctx, x.job.Tenant, next, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next = more; next == "" {
			return all, nil
		}
	}
}

// dataset erases in one dataset. What is in memory is sealed before the guard rises, so
// that no reader sees the tail shrink.
func (x *run) dataset(ctx context.Context, d dataset.Dataset) error {
	if x.Seal != nil && d.Kind == dataset.Events {
		if err := x.Seal(ctx, x.job.Tenant, d.Name); fault.Is(err, fault.NotFound) {
			return x.bury(ctx) // deleted meanwhile
		} else if err != nil {
			return err
		}
	}
	if x.Hash != "" {
		if err := x.suppressions().Raise(ctx, x.job.Tenant, d.ID, x.Edition); err != nil {
			return err
		}
	}
	w := &rewriting{run: x, dataset: d, clean: map[string]bool{}}
	if err := w.all(ctx); err != nil {
		return err
	}
	return x.forget(ctx, d)
}

// forgetFilter takes the filter out of the order: its values may be those that are erased,
// and what is purged next must not hold them. What is left to do does not need it.
func (x *run) forgetFilter(ctx context.Context) error {
	if x.Filter == nil {
		return nil
	}
	rest := x.order
	rest.Filter = nil
	text, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	return x.Jobs.Restate(ctx, x.job, text)
}

func (x *run) purge(ctx context.Context) error {
	if err := x.forgetFilter(ctx); err != nil || x.Purge == nil {
		return err
	}
	return x.Purge(ctx)
}

// save stores the checkpoint. Progress counts datasets.
func (x *run) save(ctx context.Context) error {
	return x.at.Save(ctx, x.state, job.Progress{Done: x.Done, Rows: x.Rows})
}
