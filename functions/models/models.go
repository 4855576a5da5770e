// Package models holds the endpoints of transformations: the folder of their files, and the
// jobs that build them or tell what that would change.
package models

import (
	"context"
	"errors"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/build"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// Reader checks SQL without running it.
type Reader interface {
	Read(ctx context.Context, text string) (sqlgate.Query, error)
}

// Deps is what the endpoints need.
type Deps struct {
	Models model.Store
	Gate   gate.Gate
	SQL    Reader
	Jobs   job.Jobs
	Now    func() time.Time
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Handle(s, route.GetModels, d.get)
	api.Handle(s, route.PutModels, d.put)
	api.Handle(s, route.RunModels, d.run)
	api.Handle(s, route.TryModels, d.try)
}

// View is a folder as it is shown.
type View struct {
	Version int         `json:"version" doc:"counts the changes; 0: there was none"`
	Changed time.Time   `json:"changed,omitzero"`
	By      string      `json:"by,omitempty"`
	Files   model.Files `json:"files"`
	Models  []Shown     `json:"models" doc:"in an order in which each follows what it reads"`
}

// Shown is a model as it is shown.
type Shown struct {
	Name        dataset.Name   `json:"name" doc:"also of the dataset that holds its result"`
	Description string         `json:"description,omitempty"`
	Columns     []Column       `json:"columns,omitempty"`
	Models      []dataset.Name `json:"models" doc:"that it reads"`
	Sources     []dataset.Name `json:"sources" doc:"datasets that it reads"`
	By          string         `json:"by,omitempty" doc:"the column by which it is built in parts; absent: it is built in full"`
	Grain       model.Grain    `json:"grain,omitempty"`
	Run         model.Cadence  `json:"run" enum:"manual,hourly,daily,weekly,on_change"`
	Tests       int            `json:"tests"`
	Released    bool           `json:"released,omitempty" doc:"the row filters and masks of what it reads do not hold for it"`
	Status      *model.Status  `json:"status,omitempty" doc:"how its last build ended; absent: there was none"`
}

// Column is a column that is described or tested.
type Column struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Tests       []string `json:"tests,omitempty"`
}

type one struct{ Body View }

func (d Deps) get(ctx context.Context, caller access.Principal, in *struct {
	Version int `query:"version" minimum:"0" doc:"of the folder; absent: the newest"`
}) (*one, error) {
	f, err := d.Models.Folder(ctx, caller.Tenant, in.Version)
	if err != nil {
		return nil, err
	}
	return d.view(ctx, caller, f)
}

func (d Deps) view(ctx context.Context, caller access.Principal, f model.Folder) (*one, error) {
	p, err := f.Project()
	if err != nil {
		return nil, err
	}
	statuses, err := d.Models.Statuses(ctx, caller.Tenant)
	if err != nil {
		return nil, err
	}
	v := View{Version: f.Version, Changed: f.Changed, By: f.By, Files: f.Files, Models: []Shown{}}
	for _, m := range p.Models {
		s := shown(m)
		if status, ok := statuses[m.Name]; ok {
			s.Status = &status
		}
		v.Models = append(v.Models, s)
	}
	return &one{v}, nil
}

func shown(m model.Model) Shown {
	s := Shown{Name: m.Name, Description: m.Description, Models: list(m.Refs), Sources: list(m.Sources), Run: m.Cadence, Tests: len(m.Queries), Released: m.Released}
	if m.Incremental != nil {
		s.By, s.Grain = m.Incremental.Column, m.Incremental.Grain
	}
	for _, c := range m.Columns {
		column := Column{Name: c.Name, Description: c.Description}
		for _, t := range c.Tests {
			column.Tests = append(column.Tests, t.String())
		}
		s.Columns, s.Tests = append(s.Columns, column), s.Tests+len(c.Tests)
	}
	return s
}

// list is never null.
func list(names []dataset.Name) []dataset.Name { return append([]dataset.Name{}, names...) }

// folder is what the files are to be.
type folder struct {
	Files model.Files `json:"files" doc:"all of them, by name: a model's SQL is <name>.sql, what is said of models stands in .yml files"`
	From  int         `json:"from_version" minimum:"0" doc:"the version that was changed; 0: there is none yet"`
}

func (d Deps) put(ctx context.Context, caller access.Principal, in *struct{ Body folder }) (*one, error) {
	p, err := d.check(ctx, caller, in.Body.Files)
	if err != nil {
		return nil, err
	}
	was, err := d.Models.Folder(ctx, caller.Tenant, 0)
	if err != nil {
		return nil, err
	}
	if err := d.releases(caller, was, p); err != nil {
		return nil, err
	}
	f, err := d.Models.Put(ctx, caller.Tenant, caller.ID, in.Body.Files, in.Body.From)
	if err != nil {
		return nil, err
	}
	return d.view(ctx, caller, f)
}

// check reads files, and refuses what cannot be built of them or may not be by the caller:
// who does not see all of a dataset must not make another of it.
func (d Deps) check(ctx context.Context, caller access.Principal, files model.Files) (model.Project, error) {
	p, err := model.Read(files)
	if err != nil {
		return p, err
	}
	known := map[dataset.Name]bool{}
	for _, m := range p.Models {
		q, err := d.SQL.Read(ctx, m.SQL)
		if err == nil {
			err = m.CheckReads(q)
		}
		if err != nil {
			return p, within(m.Name, err)
		}
		for _, name := range m.Sources {
			if !known[name] {
				if err := d.sees(ctx, caller, name); err != nil {
					return p, within(m.Name, err)
				}
			}
			known[name] = true
		}
	}
	return p, nil
}

func (d Deps) sees(ctx context.Context, caller access.Principal, name dataset.Name) error {
	over, err := d.Gate.OpenWhole(ctx, caller, access.RunSQL, name)
	if err == nil {
		over.Release()
	}
	return err
}

// within says of which model's SQL something is.
func within(name dataset.Name, err error) error {
	var known *fault.Error
	if !errors.As(err, &known) {
		return err
	}
	said := *known
	said.Message = string(name) + ".sql: " + said.Message
	return &said
}

// releases refuses to let somebody but an owner release a model, or change one that is.
func (d Deps) releases(caller access.Principal, was model.Folder, p model.Project) error {
	if caller.Allow(access.ReleaseModels, "", d.Now()) == nil {
		return nil
	}
	before, err := was.Project()
	if err != nil {
		return err
	}
	for _, m := range p.Models {
		if old, ok := before.Model(m.Name); m.Released && (!ok || !old.Released || old.SQL != m.SQL) {
			return fault.New(fault.Denied, "not_an_owner", "model %q is released from the row filters and masks of what it reads, which only an owner may say", m.Name).
				WithHint("leave row_filters out, or ask an owner to put the folder")
		}
	}
	return nil
}

type ordered struct {
	Body struct {
		build.Request
		Key string `json:"idempotency_key,omitempty" maxLength:"200" doc:"the same key with the same request is the same job"`
	}
}

func (d Deps) run(ctx context.Context, caller access.Principal, in *ordered) (*api.Ordered, error) {
	f, p, err := d.newest(ctx, caller)
	if err != nil {
		return nil, err
	}
	if err := in.Body.Check(p); err != nil {
		return nil, err
	}
	spec, err := build.Job(build.Kind, in.Body.Request, build.Pinned{Version: f.Version}, caller.ID, in.Body.Key)
	if err != nil {
		return nil, err
	}
	return d.order(ctx, caller, spec)
}

func (d Deps) order(ctx context.Context, caller access.Principal, spec job.Spec) (*api.Ordered, error) {
	j, err := d.Jobs.Submit(ctx, caller.Tenant, spec)
	if err != nil {
		return nil, err
	}
	return api.OrderedJob(j.ID), nil
}

func (d Deps) newest(ctx context.Context, caller access.Principal) (model.Folder, model.Project, error) {
	f, err := d.Models.Folder(ctx, caller.Tenant, 0)
	if err != nil {
		return f, model.Project{}, err
	}
	if f.Version == 0 {
		return f, model.Project{}, fault.New(fault.NotFound, "models_not_found", "there are no models yet").WithHint("PUT /v1/models")
	}
	p, err := f.Project()
	return f, p, err
}

type tried struct {
	Body struct {
		build.Request
		Files model.Files `json:"files,omitempty" doc:"in the place of those there are: what would they change"`
	}
}

func (d Deps) try(ctx context.Context, caller access.Principal, in *tried) (*api.Ordered, error) {
	files, pinned := in.Body.Files, build.Pinned{Files: in.Body.Files}
	if files == nil {
		f, _, err := d.newest(ctx, caller)
		if err != nil {
			return nil, err
		}
		files, pinned = f.Files, build.Pinned{Version: f.Version}
	}
	p, err := d.check(ctx, caller, files) // its answer tells of all that is read
	if err != nil {
		return nil, err
	}
	if err := in.Body.Check(p); err != nil {
		return nil, err
	}
	spec, err := build.Job(build.TrialKind, in.Body.Request, pinned, caller.ID, "")
	if err != nil {
		return nil, err
	}
	return d.order(ctx, caller, spec)
}
