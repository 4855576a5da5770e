// Package queries holds the endpoints that answer questions.
package queries

import (
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
)

// Deps is what the endpoints need.
type Deps struct {
	answer.Executor
	SQL engine.SQL // nil: callers' own SQL is not run
}

// Register serves the endpoints.
func Register(s *api.Server, d Deps) {
	api.Raw(s, route.RunQuery, query.Request{}, query.Answer{}, d.run)
	api.OrText(s, query.Measure{}, "count, or the name of a defined measure")
	api.OrText(s, query.Dimension{}, "the name of a column or of a defined dimension")
	api.Raw(s, route.GetSaved, nil, []map[string]any{}, d.saved)
	api.Raw(s, route.RunSQL, SQLRequest{}, SQLAnswer{}, d.sql)
	api.Handle(s, route.ListValues, d.suggest)
	api.Handle(s, route.GetLimits, d.limits)
	api.Handle(s, route.SetLimits, d.setLimits)
}

func (d *Deps) run(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	as, err := formatOf(r)
	if err != nil {
		return err
	}
	body, err := api.Body(r)
	if err != nil {
		return err
	}
	if done, err := d.repeat(w, r, caller, body, as); done || err != nil {
		return err
	}
	request, err := query.Decode(body)
	if err != nil {
		return err
	}
	return d.give(w, r, caller, request, body, as)
}

// repeat gives the answer of a body that was sent before, and has not to be read again.
func (d *Deps) repeat(w http.ResponseWriter, r *http.Request, caller access.Principal, body []byte, as format) (bool, error) {
	parsed, ok := d.Cache.Parsed(caller, body)
	if !ok {
		return false, nil
	}
	a, ok, err := d.Again(r.Context(), caller, parsed)
	if !ok || err != nil {
		return false, err
	}
	tag := as.tag(a.Tag)
	as.head(w, tag)
	if known(r.Header, tag) {
		w.WriteHeader(http.StatusNotModified)
		return true, nil
	}
	return true, as.sendKept(w, a)
}

// give answers a request, unless the caller has the answer already. Its text, if any,
// is remembered.
func (d *Deps) give(w http.ResponseWriter, r *http.Request, caller access.Principal, request query.Request, text []byte, as format) error {
	question, err := d.Open(r.Context(), caller, request)
	if err != nil {
		return err
	}
	defer question.Release()
	if text != nil {
		question.Remember(text, request.WaitFor != "")
	}
	tag := as.tag(question.Tag)
	if known(r.Header, tag) {
		as.head(w, tag)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	a, err := question.Ask(r.Context())
	if err != nil {
		return err
	}
	as.head(w, tag)
	return as.sendKept(w, a)
}
