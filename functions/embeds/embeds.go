// Package embeds holds the endpoint that makes embed tokens: what a page of somebody
// else's may show of one saved query.
package embeds

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/saved"
)

// Deps is what the endpoint needs.
type Deps struct {
	Gate   gate.Gate
	Saved  saved.Store
	Embeds *access.Embeds
}

// Register serves the endpoint.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.CreateEmbedToken, tokenSpec{}, made{}, d.create)
}

// tokenSpec is what a new token is to be.
type tokenSpec struct {
	Saved   string         `json:"saved" example:"sales_by_day" doc:"the name of a saved query"`
	Filters []query.Filter `json:"filters,omitempty" maxItems:"10" doc:"as in a query: a row counts that all of them are true of"`
	Expires time.Time      `json:"expires,omitzero" doc:"within a day; absent: in an hour"`
}

// made is a new token.
type made struct {
	Token   string    `json:"token" doc:"for GET /v1/saved/{name} as 'Authorization: Bearer …', and for nothing else"`
	Saved   string    `json:"saved"`
	Expires time.Time `json:"expires"`
}

// maxFilters bounds the filters of a token.
const maxFilters = 10

// create reads its own body: the filters keep all digits of their numbers.
func (d Deps) create(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	var in struct {
		Saved   string
		Filters []json.RawMessage
		Expires time.Time
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return badSpec(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badSpec(err)
	}
	if len(in.Filters) > maxFilters {
		return fault.New(fault.Invalid, "too_many_filters", "a token has at most %d filters", maxFilters)
	}
	if in.Expires.IsZero() {
		in.Expires = d.Gate.Now().Add(access.EmbedLife)
	}
	in.Expires = in.Expires.UTC().Truncate(time.Second)
	request, err := d.Saved.Query(r.Context(), caller.Tenant, in.Saved)
	if err != nil {
		return err
	}
	if err := d.check(r.Context(), caller, request.Dataset, in.Filters); err != nil {
		return err
	}
	what := access.Embed{Saved: in.Saved, Dataset: request.Dataset, Filters: in.Filters}
	token, err := d.Embeds.Mint(r.Context(), caller, what, in.Expires)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(route.CreateEmbedToken.Status)
	return json.NewEncoder(w).Encode(made{token, in.Saved, in.Expires})
}

// check returns an error unless the caller may ask the dataset, and see what the filters
// look at: of a masked column, they would tell what the mask hides.
func (d Deps) check(ctx context.Context, caller access.Principal, name dataset.Name, filters []json.RawMessage) error {
	if err := caller.Allow(access.CreateEmbed, name, d.Gate.Now()); err != nil {
		return err
	}
	over, err := d.Gate.Open(ctx, caller, access.RunQuery, name, nil)
	if err != nil {
		return err
	}
	defer over.Release()
	for _, text := range filters {
		f, err := query.DecodeRestriction(text)
		if err != nil {
			return err
		}
		if column := masked(f, over.View); column != "" {
			return fault.New(fault.Denied, "masked", "you see column %q masked, so that you cannot filter by it for others", column)
		}
		_, err = query.Bind(query.Request{Dataset: name, Measures: []query.Measure{{Op: query.Count}}, Filter: &f}, over.View, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// masked returns a column of a filter that a view does not show as it is.
func masked(f query.Filter, seen query.View) string {
	column, _, _ := strings.Cut(f.Column, ".")
	_, hidden := seen.Masks[f.Column]
	if hidden || column == dataset.ColumnProperties && len(seen.Masks) > 0 {
		return f.Column
	}
	parts := append(append([]query.Filter{}, f.And...), f.Or...)
	if f.Not != nil {
		parts = append(parts, *f.Not)
	}
	for _, part := range parts {
		if column := masked(part, seen); column != "" {
			return column
		}
	}
	return ""
}

func badSpec(err error) error {
	return fault.New(fault.Invalid, "bad_embed", "the body describes no embed token").
		WithHint(`send {"saved": "sales_by_day", "filters": [{"column": "country", "op": "=", "value": "CH"}], "expires": "2026-01-02T03:04:05Z"}`).Because(err)
}
