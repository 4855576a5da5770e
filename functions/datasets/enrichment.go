package datasets

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/route"
)

func (d Deps) registerEnrichment(s *api.Server) {
	api.Handle(s, route.GetEnrichment, d.getEnrichment)
	api.Handle(s, route.ListEnrichments, d.listEnrichments)
	api.Raw(s, route.PutEnrichment, enrich.Proposal{}, enrichment{}, d.putEnrichment)
	api.Raw(s, route.PreviewEnrichment, enrich.Trial{}, preview{}, d.previewEnrichment)
}

// enrichment is a version, for the API reference.
type enrichment struct {
	dataset.Enrichment
	Steps []enrich.Step `json:"steps"`
}

// preview is what became of events, for the API reference and for answers.
type preview struct {
	Events []enrich.Outcome `json:"events"`
}

func (d Deps) getEnrichment(ctx context.Context, caller access.Principal, in *struct {
	Name    dataset.Name `path:"dataset" maxLength:"64" example:"web"`
	Version uint32       `query:"version" doc:"default: the newest"`
}) (*struct{ Body dataset.Enrichment }, error) {
	over, err := d.Gate.OpenWhole(ctx, caller, route.GetEnrichment.Action, in.Name)
	if err != nil {
		return nil, err
	}
	defer over.Release()
	if in.Version == 0 {
		if in.Version = over.Dataset.Enrichment; in.Version == 0 {
			return nil, fault.New(fault.NotFound, "no_enrichment", "nothing is done to the events of dataset %q", in.Name).
				WithHint("PUT the first version, with from_version 0")
		}
	}
	out := &struct{ Body dataset.Enrichment }{}
	out.Body, err = d.Catalog.EnrichmentOf(ctx, caller.Tenant, over.Dataset.ID, in.Version)
	return out, err
}

// versions is a page of the list.
type versions struct {
	Versions []dataset.Enrichment `json:"versions" doc:"the oldest first"`
	Next     string               `json:"next,omitempty" doc:"give it back as ?next= for the page after; absent on the last one"`
}

func (d Deps) listEnrichments(ctx context.Context, caller access.Principal, in *struct {
	Name  dataset.Name `path:"dataset" maxLength:"64" example:"web"`
	Limit int          `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Next  string       `query:"next" maxLength:"1000"`
}) (*struct{ Body versions }, error) {
	over, err := d.Gate.OpenWhole(ctx, caller, route.ListEnrichments.Action, in.Name)
	if err != nil {
		return nil, err
	}
	defer over.Release()
	out := &struct{ Body versions }{}
	out.Body.Versions, out.Body.Next, err = d.Catalog.Enrichments(ctx, caller.Tenant, over.Dataset.ID, in.Next, in.Limit)
	if out.Body.Versions == nil {
		out.Body.Versions = []dataset.Enrichment{}
	}
	return out, err
}

// putEnrichment reads its own body: steps are decoded as strictly as a query.
func (d Deps) putEnrichment(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	over, err := d.Gate.OpenWhole(r.Context(), caller, route.PutEnrichment.Action, dataset.Name(r.PathValue(route.DatasetParam)))
	if err != nil {
		return err
	}
	defer over.Release()
	proposal, err := enrich.ParseProposal(body)
	if err != nil {
		return err
	}
	if err := d.readable(r.Context(), caller, proposal.Steps); err != nil {
		return err
	}
	if err := d.Enricher.Check(r.Context(), caller.Tenant, over.Dataset, proposal); err != nil {
		return err
	}
	made, err := d.Catalog.Enrich(r.Context(), caller.Tenant, over.Dataset.Name, *proposal.From, caller.ID, proposal.Text)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(made)
}

// readable refuses steps that look up in what the caller does not see the whole of: whoever
// reads the events would see it.
func (d Deps) readable(ctx context.Context, caller access.Principal, steps []enrich.Step) error {
	for _, s := range steps {
		if s.LookUp == nil {
			continue
		}
		over, err := d.Gate.OpenWhole(ctx, caller, access.RunQuery, s.LookUp.Dataset)
		if err != nil {
			return err
		}
		over.Release()
	}
	return nil
}

func (d Deps) previewEnrichment(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	over, err := d.Gate.OpenWhole(r.Context(), caller, route.PreviewEnrichment.Action, dataset.Name(r.PathValue(route.DatasetParam)))
	if err != nil {
		return err
	}
	defer over.Release()
	trial, err := enrich.ParseTrial(body)
	if err != nil {
		return err
	}
	if err := d.readable(r.Context(), caller, trial.Steps); err != nil {
		return err
	}
	if len(trial.Events) == 0 {
		if err := caller.AllowRows(access.RunQuery, over.Dataset.Name, d.Gate.Now()); err != nil {
			return err
		}
		if trial.Events, err = d.Enricher.Tables.Last(r.Context(), over, trial.Last); err != nil {
			return err
		}
	}
	var shown preview
	if shown.Events, err = d.Enricher.Try(r.Context(), caller.Tenant, over.Dataset, trial.Steps, trial.Events); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(shown)
}
