// Package erasures holds the endpoints by which people get their rights: to be erased,
// and to know what is held of them. Package jobs tells of erasures under way.
package erasures

import (
	"context"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/erasure"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/segment"
)

// Deps is what the endpoints need.
type Deps struct {
	Catalog dataset.Catalog
	Orders  erasure.Orders
	Finder  erasure.Finder
	Jobs    job.Jobs
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.CreateErasure, erasure.Request{}, api.Accepted{}, d.create)
	api.Handle(s, route.GetSubject, d.subject)
}

func (d Deps) create(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	request, err := erasure.Decode(body)
	if err != nil {
		return err
	}
	spec, err := d.Orders.Spec(r.Context(), caller, route.CreateErasure.Action, request)
	if err != nil {
		return err
	}
	j, err := d.Jobs.Submit(r.Context(), caller.Tenant, spec)
	if err != nil {
		return err
	}
	return api.Accept(w, route.CreateErasure, j.ID)
}

// held is all that is held of a subject.
type held struct {
	Subject  string            `json:"subject"`
	Rows     int64             `json:"rows" doc:"in all datasets, whether they are on this page or not"`
	Datasets []erasure.Holding `json:"datasets" doc:"those that hold anything"`
	Next     string            `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) subject(ctx context.Context, caller access.Principal, in *struct {
	Subject string `path:"subject" doc:"a user_id or anonymous_id" example:"u1"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"rows and quarantined events on a page; all are counted"`
	Next    string `query:"next" maxLength:"1000"`
}) (*struct{ Body held }, error) {
	out := &struct{ Body held }{held{Subject: in.Subject, Datasets: []erasure.Holding{}}}
	if err := erasure.CheckSubject(in.Subject); err != nil {
		return nil, err
	}
	page, err := erasure.NewPage(in.Next, in.Limit)
	if err != nil {
		return nil, err
	}
	subject, err := d.Finder.Subject(ctx, caller.Tenant, in.Subject)
	if err != nil {
		return nil, err
	}
	for next := ""; ; {
		datasets, more, err := d.Catalog.List(ctx, caller.Tenant, next, 0)
		if err != nil {
			return nil, err
		}
		for _, one := range datasets {
			if err := d.add(ctx, caller, one.Name, subject, page, &out.Body); err != nil {
				return nil, err
			}
		}
		if next = more; next == "" {
			out.Body.Next = page.Next()
			return out, nil
		}
	}
}

func (d Deps) add(ctx context.Context, caller access.Principal, name dataset.Name, subject segment.Subject, page *erasure.Page, to *held) error {
	over, err := d.Orders.Gate.OpenWhole(ctx, caller, route.GetSubject.Action, name)
	if err != nil {
		return err
	}
	defer over.Release()
	h, err := d.Finder.Find(ctx, over, subject, page)
	if err != nil || h.Rows+h.Quarantined == 0 {
		return err
	}
	to.Rows += h.Rows
	to.Datasets = append(to.Datasets, h)
	return nil
}
